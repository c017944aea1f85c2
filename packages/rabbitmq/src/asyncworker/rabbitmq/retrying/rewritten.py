"""Messages as they are published again: as they came, but for what is counted and kept aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.amqp.properties import (
    EXPIRATION,
    HEADERS,
    USER_ID,
    join_properties,
    split_properties,
)
from asyncworker.rabbitmq.amqp.tables import packed_number, packed_text, read_table, table_of
from asyncworker.rabbitmq.checks import MAX_COUNT
from asyncworker.rabbitmq.retrying.attempts import (
    AT_ONCE,
    ATTEMPT,
    COUNT,
    DELIVERIES,
    EXCHANGE,
    FIRST_FAILED_AT,
    KEPT_EXPIRATION,
    KEPT_USER_ID,
    PREFIX,
    ROUTING_KEY,
    past_of,
)
from asyncworker.rabbitmq.wire.outgoing import Outgoing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.retrying.failure import Failure

COUNTED: Final = (COUNT, b"x-acquired-count")
"""What a quorum queue writes into the headers of what it delivers again; never the publisher's."""
ASIDE: Final = {b"CC": PREFIX + b"cc", b"BCC": PREFIX + b"bcc"}
"""Headers by which the broker would send a message elsewhere too: where they are kept."""
DEATHS: Final = {b"x-death": PREFIX + b"death"}
"""The same for what has died in a queue before: the broker drops it if it comes there again without
having been rejected."""


def next_attempt(message: RabbitMQMessage, queue: str, failure: Failure | None) -> Outgoing:
    """Return a message as it waits in a queue. failure: why, if an exception is the reason.

    Raises: ValueError
    """
    parts, fields = taken_apart_for_good(message)
    fields[ATTEMPT] = packed_number(min(message.attempt + 1, MAX_COUNT))
    if failure is not None:
        fields.setdefault(FIRST_FAILED_AT, packed_text(failure.at))
    return put_together(message, parts, fields, queue)


def attempt_in_place(message: RabbitMQMessage, failure: Failure | None, *, at_once: bool) -> bytes:
    """Return the properties of a message that is handled again in place, as it came otherwise.

    failure: why, if an exception is the reason. at_once: whether it has not waited for that.
    Raises: ValueError
    """
    properties = message.content[2]
    parts = split_properties(properties)
    fields = read_table(parts.get(HEADERS, b""))
    fields[ATTEMPT] = packed_number(min(message.attempt + 1, MAX_COUNT))
    if at_once:
        fields[AT_ONCE] = packed_number(min(past_of(properties).at_once + 1, MAX_COUNT))
    if failure is not None:
        fields.setdefault(FIRST_FAILED_AT, packed_text(failure.at))
    parts[HEADERS] = table_of(fields)
    return join_properties(parts)


def same_attempt(message: RabbitMQMessage) -> Outgoing:
    """Return a message as it goes to the end of its own queue, where it counts as new.

    Raises: ValueError
    """
    parts, fields = taken_apart(message, ASIDE)
    fields[DELIVERIES] = packed_number(min(message.delivery_count, MAX_COUNT))
    fields[ATTEMPT] = packed_number(min(message.attempt, MAX_COUNT))
    return put_together(message, parts, fields, message.queue)


def taken_apart_for_good(
    message: RabbitMQMessage,
) -> tuple[dict[int, bytes], dict[bytes, bytes]]:
    """Return what `taken_apart` does, for a queue where nothing may end the stay of a message.

    Raises: ValueError
    """
    parts, fields = taken_apart(message, ASIDE | DEATHS)
    if EXPIRATION in parts:
        fields[KEPT_EXPIRATION] = packed_text(parts.pop(EXPIRATION)[1:])
    fields.pop(DELIVERIES, None)
    return parts, fields


def taken_apart(
    message: RabbitMQMessage, aside: Mapping[bytes, bytes]
) -> tuple[dict[int, bytes], dict[bytes, bytes]]:
    """Return properties and headers, less those that the broker wrote or would refuse.

    A user id is refused from another user.
    aside: which headers are kept under which other names.
    Raises: ValueError
    """
    parts = split_properties(message.content[2])
    fields = read_table(parts.get(HEADERS, b""))
    for name in COUNTED:
        fields.pop(name, None)
    for name, other in aside.items():
        if name in fields:
            fields.setdefault(other, fields.pop(name))
    if USER_ID in parts:
        fields[KEPT_USER_ID] = packed_text(parts.pop(USER_ID)[1:])
    return parts, fields


def put_together(
    message: RabbitMQMessage, parts: dict[int, bytes], fields: dict[bytes, bytes], queue: str
) -> Outgoing:
    """Return a message to be published to a queue, with these properties and headers."""
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
