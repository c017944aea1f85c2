"""A message that is published again, and what is known by then of the times before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from asyncworker.rabbitmq.outgoing import Outgoing
from asyncworker.rabbitmq.properties import (
    EXPIRATION,
    HEADERS,
    USER_ID,
    join_properties,
    read_properties,
    split_properties,
    value_of,
)
from asyncworker.rabbitmq.tables import packed_number, packed_text, read_table, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncworker.rabbitmq.message import RabbitMQMessage

PREFIX: Final = b"x-asyncworker-"
ATTEMPT: Final = PREFIX + b"attempt"
DELIVERIES: Final = PREFIX + b"deliveries"
"""How often the broker had counted a message when it was published again to be kept."""
EXCHANGE: Final = PREFIX + b"exchange"
ROUTING_KEY: Final = PREFIX + b"routing-key"
COUNT: Final = b"x-delivery-count"
COUNTED: Final = (COUNT, b"x-acquired-count")
"""What a quorum queue writes into the headers of what it delivers again; never the publisher's."""
ASIDE: Final = {b"CC": PREFIX + b"cc", b"BCC": PREFIX + b"bcc"}
"""Headers by which the broker would send a message elsewhere too: where they are kept."""
DEATHS: Final = {b"x-death": PREFIX + b"death"}
"""The same for what has died in a queue before: the broker drops it if it comes there again without
having been rejected."""
MAX_COUNT: Final = 2**31 - 1


class Past(NamedTuple):
    """Hold what the headers of a message tell of its attempts; None where they tell nothing."""

    attempt: int = 1
    exchange: str | None = None
    routing_key: str | None = None


def past_of(properties: bytes) -> Past:
    """Return what the headers of a message tell, whatever somebody may have written into them."""
    if PREFIX not in properties:
        return Past()
    fields = _fields_of(properties)
    return Past(
        max(1, _count(fields.get(ATTEMPT, b""))),
        _text(fields.get(EXCHANGE, b"")),
        _text(fields.get(ROUTING_KEY, b"")),
    )


def delivery_count_of(properties: bytes) -> int:
    """Return how often a quorum queue has counted a message as come back, 0 if none did."""
    if COUNT not in properties and DELIVERIES not in properties:
        return 0
    fields = _fields_of(properties)
    return _count(fields.get(COUNT, b"")) + _count(fields.get(DELIVERIES, b""))


def limited_count_of(properties: bytes) -> int:
    """Return how much of that the broker holds against its limit: all since it was published."""
    return _count(_fields_of(properties).get(COUNT, b"")) if COUNT in properties else 0


def next_attempt(message: RabbitMQMessage, queue: str) -> Outgoing:
    """Return a message as it waits in a queue: as it came, but for what is counted and kept aside.

    Its expiration would end the waiting.
    Raises: ValueError
    """
    parts, fields = _taken_apart(message, ASIDE | DEATHS)
    if EXPIRATION in parts:
        fields[PREFIX + b"expiration"] = packed_text(parts.pop(EXPIRATION)[1:])
    fields.pop(DELIVERIES, None)
    fields[ATTEMPT] = packed_number(min(message.attempt + 1, MAX_COUNT))
    return _put_together(message, parts, fields, queue)


def same_attempt(message: RabbitMQMessage) -> Outgoing:
    """Return a message as it goes to the end of its own queue, where it counts as new.

    Raises: ValueError
    """
    parts, fields = _taken_apart(message, ASIDE)
    fields[DELIVERIES] = packed_number(min(message.delivery_count, MAX_COUNT))
    fields[ATTEMPT] = packed_number(min(message.attempt, MAX_COUNT))
    return _put_together(message, parts, fields, message.queue)


def _taken_apart(
    message: RabbitMQMessage, aside: Mapping[bytes, bytes]
) -> tuple[dict[int, bytes], dict[bytes, bytes]]:
    """Return properties and headers, less those that the broker wrote or would refuse.

    A user id is refused from another user.
    aside: which headers are kept under which other names.
    """
    parts = split_properties(message.content[2])
    fields = read_table(parts.get(HEADERS, b""))
    for name in COUNTED:
        fields.pop(name, None)
    for name, other in aside.items():
        if name in fields:
            fields.setdefault(other, fields.pop(name))
    if USER_ID in parts:
        fields[PREFIX + b"user-id"] = packed_text(parts.pop(USER_ID)[1:])
    return parts, fields


def _put_together(
    message: RabbitMQMessage, parts: dict[int, bytes], fields: dict[bytes, bytes], queue: str
) -> Outgoing:
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


def _fields_of(properties: bytes) -> dict[bytes, bytes]:
    """Return the headers, or none where they are no table."""
    try:
        return read_table(read_properties(properties).headers)
    except ValueError:
        return {}


def _count(value: bytes) -> int:
    """Return a count, whichever of the types it has, or 0."""
    number = value_of(value)
    return number if type(number) is int and number > 0 else 0


def _text(value: bytes) -> str | None:
    text = value_of(value)
    return text if isinstance(text, str) else None
