"""What the broker delivered, as messages: the hot path in."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.attempts import DELIVERIES
from asyncworker.rabbitmq.inlet import Malformed
from asyncworker.rabbitmq.message import RabbitMQMessage, decode
from asyncworker.rabbitmq.properties import HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from asyncworker.rabbitmq.channel import ConsumeChannel
    from asyncworker.rabbitmq.inlet import Content

HAS_HEADERS: Final = HEADERS >> 8
"""In the first octet of the properties' flags."""
_read_tag: Final = struct.Struct("!Q?").unpack_from
"""Delivery tag and redelivered, which stand behind the consumer tag."""
_new = RabbitMQMessage.__new__


def read(
    contents: Iterable[Content],
    queues: Mapping[bytes, str],
    channel: ConsumeChannel,
    on_poison: Callable[[RabbitMQMessage, Exception], None],
) -> list[RabbitMQMessage]:
    """Return deliveries as messages, but for those whose body is no JSON.

    queues: by consumer tag. on_poison: takes each of those, and why.
    Raises: Malformed
    """
    messages = []
    for content in contents:
        _, arguments, properties, raw_body = content
        # The constructor would want all fields: those that are not set here are decoded when used.
        message = _new(RabbitMQMessage)
        message.content = content
        message.raw_body = raw_body
        message.channel = channel
        message.outcome = None
        try:
            behind = arguments[0] + 1
            message.queue = queues[arguments[1:behind]]
            message.delivery_tag, message.redelivered = _read_tag(arguments, behind)
        except (IndexError, KeyError, struct.error):
            raise Malformed(f"a delivery with the arguments {arguments!r}") from None
        # To the broker the copy that keeps a message is a new one. The search is slow.
        if properties[0] & HAS_HEADERS and DELIVERIES in properties:
            message.redelivered = True
        try:
            message.body = decode(raw_body)
        except (ValueError, RecursionError) as error:
            on_poison(message, error)
        else:
            messages.append(message)
    return messages
