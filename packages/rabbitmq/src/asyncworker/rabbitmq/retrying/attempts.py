"""What the headers of a message tell of the times that it was delivered before."""

from __future__ import annotations

from typing import Final, NamedTuple

from asyncworker.rabbitmq.amqp.properties import read_properties, value_of
from asyncworker.rabbitmq.amqp.tables import read_table

PREFIX: Final = b"x-asyncworker-"
ATTEMPT: Final = PREFIX + b"attempt"
DELIVERIES: Final = PREFIX + b"deliveries"
"""How often the broker had counted a message when it was published again to be kept."""
EXCHANGE: Final = PREFIX + b"exchange"
ROUTING_KEY: Final = PREFIX + b"routing-key"
KEPT_EXPIRATION: Final = PREFIX + b"expiration"
KEPT_USER_ID: Final = PREFIX + b"user-id"
AT_ONCE: Final = PREFIX + b"at-once"
"""How many of its attempts were in place, without a delay."""
FIRST_FAILED_AT: Final = PREFIX + b"first-failed-at"
"""When its handler first raised, since it was published: a text of ISO 8601."""
COUNT: Final = b"x-delivery-count"
"""How often it has come back by the count of a quorum queue."""


class Past(NamedTuple):
    """Hold what the headers of a message tell of its attempts; None where they tell nothing."""

    attempt: int = 1
    exchange: str | None = None
    routing_key: str | None = None
    expiration: str | None = None
    user_id: str | None = None
    at_once: int = 0

    @property
    def waits(self) -> int:
        """Return how many of its attempts a message has waited for."""
        return max(0, self.attempt - 1 - self.at_once)


def past_of(properties: bytes) -> Past:
    """Return what the headers of a message tell, whatever somebody may have written into them."""
    if PREFIX not in properties:
        return Past()
    fields = _fields_of(properties)
    return Past(
        max(1, _count(fields.get(ATTEMPT, b""))),
        _text(fields.get(EXCHANGE, b"")),
        _text(fields.get(ROUTING_KEY, b"")),
        _text(fields.get(KEPT_EXPIRATION, b"")),
        _text(fields.get(KEPT_USER_ID, b"")),
        _count(fields.get(AT_ONCE, b"")),
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
