"""What handlers returned, for each message of a batch and on its way out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from asyncworker.errors import ConfigurationError
from asyncworker.plural import counted
from asyncworker.rabbitmq.publishing.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncworker.rabbitmq.publishing.bundle import Lot
    from asyncworker.rabbitmq.route import AMQPRoute
    from asyncworker.rabbitmq.target import Target
    from asyncworker.rabbitmq.wire.outgoing import Outgoing

PUBLISHED: Final = (
    "with publish_to= return a list of {}, with None for each of which nothing is to be published"
)
ANSWERS: Final = "with replies=True return a list of {}, with the answer to each"


def values_of(returned: Any, count: int, route: AMQPRoute) -> Sequence[Any]:
    """Return what a handler returned for each of so many messages.

    One that takes a list returns a list; where that can only be of one message, its value will do.
    Raises: ConfigurationError
    """
    is_list = type(returned) is list
    if not route.takes_list or (route.bulk_size == 1 and not is_list):
        return (returned,)
    if is_list and len(returned) == count:
        values: list[Any] = returned
        return values
    what = f"a list of {len(returned)}" if is_list else type(returned).__qualname__
    wanted = ANSWERS if route.replies else PUBLISHED
    messages = counted(count, "message")
    raise ConfigurationError(f"it returned {what} for {messages}: {wanted.format(count)}")


def addressed(value: Any, target: Target, lot: Lot) -> Outgoing:
    """Return a value as it leaves: a Message where it says, all else to the target.

    Raises: NotSerializable, ConfigurationError
    """
    if isinstance(value, Message):
        if not (value.routing_key or value.exchange):
            value = replace(value, routing_key=target.routing_key, exchange=target.exchange)
        return lot.encoded(value)
    return lot.plain(value, target.routing_key, target.exchange)
