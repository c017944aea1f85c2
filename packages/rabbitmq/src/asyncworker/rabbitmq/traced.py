"""What is published, as spans whose contexts go with the messages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from asyncworker.rabbitmq.amqp.properties import HEADERS, join_properties, split_properties
from asyncworker.rabbitmq.amqp.tables import packed_text, read_table, table_of
from asyncworker.rabbitmq.operations import carried, sending, sending_one

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence

    from asyncworker.operation import Carrier
    from asyncworker.rabbitmq.errors import PublishError
    from asyncworker.rabbitmq.wire.outgoing import Outgoing
    from asyncworker.tracing.tracing import Tracing

    Attributes = Mapping[str, str | int]
    Errors = list[PublishError | None]


class Part(NamedTuple):
    """Hold some of the messages that are published together, which are one span.

    context: that of the span's parent; None for the current one.
    """

    messages: Sequence[Outgoing]
    context: Any = None


async def traced(
    publishing: Awaitable[None], tracing: Tracing, message: Outgoing, server: Attributes
) -> None:
    """Publish one message, within a span. server: what that tells of the broker."""
    span, carrier = tracing.start(partial(sending_one, message, server))
    _carry(message, carrier, tracing)
    raised: BaseException | None = None
    try:
        await publishing
    except BaseException as error:
        raised = error
        raise
    finally:
        tracing.end(span, raised)


async def traced_parts(
    publishing: Awaitable[Errors], tracing: Tracing, parts: Sequence[Part], server: Attributes
) -> Errors:
    """Publish messages together, each part within a span of its own."""
    spans = []
    for messages, context in parts:
        describe = partial(sending, messages, server)
        if len(messages) == 1:
            describe = partial(sending_one, messages[0], server)
        span, carrier = tracing.start(describe, context)
        spans.append(span)
        for message in messages:
            _carry(message, carrier, tracing)
    errors: Errors = []
    raised: BaseException | None = None
    try:
        errors = await publishing
    except BaseException as error:
        raised = error
        raise
    else:
        return errors
    finally:
        found = iter(errors)
        for span, part in zip(spans, parts, strict=True):
            own = [next(found, None) for _ in part.messages]
            tracing.end(span, raised or next(filter(None, own), None))


def _carry(message: Outgoing, carrier: Carrier, tracing: Tracing) -> None:
    """Have a message carry a context, unless it carries one that its publisher gave it."""
    if not carrier or ((own := carried(message.header)) and tracing.has_context(own)):
        return
    parts = split_properties(message.header)
    fields = read_table(parts.get(HEADERS, b""))
    for name, text in carrier.items():
        fields.setdefault(name.encode(), packed_text(text.encode()))
    parts[HEADERS] = table_of(fields)
    message.header = join_properties(parts)
