"""What it means that a broker refuses to declare something."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aiormq.exceptions import (
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    ConnectionCommandInvalid,
    ConnectionInternalError,
)

from asyncworker.rabbitmq.errors import BrokerError, TopologyMismatch
from asyncworker.rabbitmq.shards import CONSISTENT_HASH, PLUGIN
from asyncworker.rabbitmq.topology import DELIVERY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

_VALUE: Final = r"(?:none|(?:the value )?'(.*?)'(?: of type '\w+')?)"
_DIFFERENCE: Final = re.compile(
    rf"inequivalent arg '(.*?)' for .* in vhost '.*': received {_VALUE} but current is {_VALUE}"
)
"""How the broker tells of the first difference: none is what is not set."""
_DEPRECATED: Final = re.compile(r"Feature `(\w+)` is deprecated")
_UNKNOWN_TYPE: Final = re.compile(r"(?:unknown|invalid) exchange type '(.*?)'")
PLUGINS: Final = {
    CONSISTENT_HASH: PLUGIN,
    "x-delayed-message": "rabbitmq_delayed_message_exchange",
    "x-modulus-hash": "rabbitmq_sharding",
}
"""What has exchanges of a type; the first comes with each RabbitMQ."""
_TRANSIENT: Final = "transient_nonexcl_queues"
"""What a broker calls queues that are neither durable nor exclusive, when it takes them no more."""


class LimitMissing(TopologyMismatch):
    """Report a queue that exists without the delivery limit that a route states."""

    def __init__(self, queue: str) -> None:
        super().__init__(f"queue {queue!r} exists without {DELIVERY_LIMIT}")
        self.queue = queue


@contextmanager
def explained(kind: str, name: str) -> Iterator[None]:
    """Say what the broker's refusal means to whoever wrote the route."""
    subject = f"{kind} {name!r}"
    try:
        yield
    except BrokerError as error:
        cause = error.__cause__
        if isinstance(cause, ChannelNotFoundEntity):
            reason = f"create it, or pass {kind.capitalize()}({name!r}) to have it declared"
            raise BrokerError(f"{subject} does not exist: {reason}") from cause
        if isinstance(cause, ChannelPreconditionFailed | ConnectionCommandInvalid):
            # What the client went through to be told adds nothing to the line.
            unknown = _UNKNOWN_TYPE.search(str(error))
            if unknown is not None and unknown[1] in PLUGINS:
                raise TopologyMismatch(f"{subject}: {_without_plugin(unknown[1])}") from None
            raise _mismatch(subject, name, str(error)) from None
        found = _DEPRECATED.search(str(error))
        if isinstance(cause, ConnectionInternalError) and found is not None:
            raise TopologyMismatch(f"{subject}: {_not_permitted(found[1])}") from None
        raise


def _without_plugin(kind: str) -> str:
    """Return what the broker needs for exchanges of a type."""
    plugin = PLUGINS[kind]
    return (
        f"this RabbitMQ knows no exchange of type {kind!r} until its plugin {plugin} is enabled: "
        f"rabbitmq-plugins enable {plugin}"
    )


def _not_permitted(feature: str) -> str:
    """Return what to leave out, of what newer brokers do not take any more."""
    if feature == _TRANSIENT:
        return "this RabbitMQ takes no transient queue any more: leave out durable=False"
    argument = f"x-{feature.replace('_', '-')}"
    return f"this RabbitMQ takes no {feature} any more: leave out the argument {argument!r}"


def _mismatch(subject: str, queue: str, reason: str) -> TopologyMismatch:
    """Return one line on what differs, or the broker's own words where they say something else."""
    found = _DIFFERENCE.search(reason)
    if found is None:
        return TopologyMismatch(f"{subject}: {reason}")
    name, wanted, held = found.groups()
    if held is None and name == DELIVERY_LIMIT:
        return LimitMissing(queue)
    if held is None and name == "x-queue-type":
        # What a queue is that was declared without a type.
        held = "classic"
    having = f"without {name}" if held is None else f"with {name} {held!r}"
    return TopologyMismatch(
        f"{subject} exists {having}, the route wants {'none' if wanted is None else repr(wanted)}: "
        "delete it or change the route"
    )
