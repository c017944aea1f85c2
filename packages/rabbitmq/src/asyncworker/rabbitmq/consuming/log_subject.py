"""What lines say by themselves that are logged while messages are handled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncworker.log_fields import Subject
from asyncworker.rabbitmq.amqp.properties import (
    CORRELATION_ID,
    HEADERS,
    MESSAGE_ID,
    read_headers,
    short_string,
    split_properties,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncworker.log_fields import Fields
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.route import AMQPRoute

Essence = tuple[int, bytes]
"""The number of messages, and the properties of the only one."""


def subject_of(route: AMQPRoute) -> Subject:
    """Return what lines of a batch say: of one message which it is, of several how many."""
    name = route.handler_name
    if len(route.routes) > 1:
        return Subject(
            lambda batch: (_queue_of(batch), *_essence_of(batch)),
            lambda essence: _fields_of(name, *essence),
        )
    [queue] = route.routes
    if route.bulk_size > 1:
        return Subject(_essence_of, lambda essence: _fields_of(name, queue, *essence))
    return Subject(_properties_of, lambda properties: _fields_of(name, queue, 1, properties))


def _properties_of(batch: list[RabbitMQMessage]) -> bytes:
    # Not the message: whoever keeps the context would keep its body in memory.
    return batch[0].content[2]


def _essence_of(batch: list[RabbitMQMessage]) -> Essence:
    return len(batch), _properties_of(batch) if len(batch) == 1 else b""


def _queue_of(batch: list[RabbitMQMessage]) -> str | None:
    queues = {message.queue for message in batch}
    return queues.pop() if len(queues) == 1 else None


def _fields_of(route: str, queue: str | None, messages: int, properties: bytes) -> Fields:
    fields: dict[str, Any] = {"route": route, "queue": queue}
    if messages > 1:
        return {**fields, "messages": messages}
    # Not by the message: that would undo what its handler has set there.
    parts = split_properties(properties)
    return {
        **fields,
        "message_id": _text(parts, MESSAGE_ID),
        "correlation_id": _text(parts, CORRELATION_ID),
        "traceparent": read_headers(parts.get(HEADERS, b"")).get("traceparent"),
    }


def _text(parts: Mapping[int, bytes], flag: int) -> str | None:
    return short_string(parts[flag], 0)[0] if flag in parts else None
