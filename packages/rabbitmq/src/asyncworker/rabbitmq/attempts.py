"""A message on its way to the next attempt, and what is known by then of the attempts before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pamqp import decode

from asyncworker.rabbitmq.outgoing import Outgoing
from asyncworker.rabbitmq.properties import (
    EXPIRATION,
    HEADERS,
    USER_ID,
    join_properties,
    read_properties,
    split_properties,
)
from asyncworker.rabbitmq.tables import packed_number, packed_text, read_table, table_of

if TYPE_CHECKING:
    from asyncworker.rabbitmq.message import RabbitMQMessage

PREFIX: Final = b"x-asyncworker-"
ATTEMPT: Final = PREFIX + b"attempt"
EXCHANGE: Final = PREFIX + b"exchange"
ROUTING_KEY: Final = PREFIX + b"routing-key"
ASIDE: Final = {
    b"CC": PREFIX + b"cc",
    b"BCC": PREFIX + b"bcc",
    b"x-death": PREFIX + b"death",
}
"""Headers by which the broker would send a message elsewhere too, or drop it: where they are kept.

It drops what has died in a queue before, and comes there again without having been rejected.
"""
MAX_ATTEMPT: Final = 2**31 - 1


class Past(NamedTuple):
    """Hold what the headers of a message tell of its attempts; None where they tell nothing."""

    attempt: int = 1
    exchange: str | None = None
    routing_key: str | None = None


def past_of(properties: bytes) -> Past:
    """Return what the headers of a message tell, whatever somebody may have written into them."""
    if PREFIX not in properties:
        return Past()
    try:
        fields = read_table(read_properties(properties).headers)
    except ValueError:
        return Past()
    return Past(
        _number(fields.get(ATTEMPT, b"")),
        _text(fields.get(EXCHANGE, b"")),
        _text(fields.get(ROUTING_KEY, b"")),
    )


def next_attempt(message: RabbitMQMessage, queue: str) -> Outgoing:
    """Return a message as it waits in a queue: as it came, but for what is counted and kept aside.

    Its expiration would end the waiting, and its user id be refused from another user.
    Raises: ValueError
    """
    parts = split_properties(message.content[2])
    fields = read_table(parts.get(HEADERS, b""))
    for name, aside in ASIDE.items():
        if name in fields:
            fields.setdefault(aside, fields[name])
            del fields[name]
    for flag, name in ((EXPIRATION, b"expiration"), (USER_ID, b"user-id")):
        if flag in parts:
            fields[PREFIX + name] = packed_text(parts.pop(flag)[1:])
    fields[ATTEMPT] = packed_number(min(message.attempt + 1, MAX_ATTEMPT))
    fields[EXCHANGE] = packed_text(message.exchange.encode())
    fields[ROUTING_KEY] = packed_text(message.routing_key.encode())
    parts[HEADERS] = table_of(fields)
    name = queue.encode()
    return Outgoing(
        body=message.raw_body,
        exchange="",
        routing_key=queue,
        address=bytes((0, len(name))) + name,
        header=join_properties(parts),
        mandatory=True,
    )


def _number(value: bytes) -> int:
    """Return a count, whichever of the types it has, or 1."""
    number = _decoded(value)
    return number if type(number) is int and number > 0 else 1


def _text(value: bytes) -> str | None:
    text = _decoded(value)
    return text if isinstance(text, str) else None


def _decoded(value: bytes) -> Any:
    return decode.embedded_value(value)[1] if value else None
