"""What the broker delivered, as messages: the hot path in."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from asyncworker.errors import Invalid
from asyncworker.rabbitmq.amqp.properties import HEADERS
from asyncworker.rabbitmq.message import RabbitMQMessage
from asyncworker.rabbitmq.retrying.attempts import DELIVERIES
from asyncworker.rabbitmq.wire.content_reader import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
    from asyncworker.rabbitmq.decoding import Decoder
    from asyncworker.rabbitmq.wire.content_reader import Content

HAS_HEADERS: Final = HEADERS >> 8
"""In the first octet of the properties' flags."""
_read_tag: Final = struct.Struct("!Q?").unpack_from
"""Delivery tag and redelivered, which stand behind the consumer tag."""
_new = RabbitMQMessage.__new__


def read(
    contents: Iterable[Content],
    queues: Mapping[bytes, str],
    channel: ConsumeChannel,
    decode: Decoder,
    on_poison: Callable[[RabbitMQMessage, Invalid], None],
) -> list[RabbitMQMessage]:
    """Return deliveries as messages, but for those whose body cannot be decoded.

    queues: by consumer tag. on_poison: takes each of those, and why.
    Raises: Malformed
    """
    messages = []
    of_json, usual, below = decode.of_json, decode.usual, decode.below
    end = len(usual or b"")
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
        flags = properties[0]
        # To the broker the copy that keeps a message is a new one. The search is slow.
        if flags & HAS_HEADERS and DELIVERIES in properties:
            message.redelivered = True
        try:
            if properties[:end] == usual or flags < below:
                message.body = of_json(raw_body)
            else:
                message.body = decode(message)
        except Exception as error:  # noqa: BLE001 (what is called in haste)
            if not _is_decoded(message, decode, error, on_poison):
                continue
        messages.append(message)
    return messages


def _is_decoded(
    message: RabbitMQMessage,
    decode: Decoder,
    error: Exception,
    on_poison: Callable[[RabbitMQMessage, Invalid], None],
) -> bool:
    """Decode what could not be decoded in haste, and tell whether it can be at all."""
    try:
        if isinstance(error, Invalid):
            raise error
        message.body = decode(message)
    except Invalid as invalid:
        on_poison(message, invalid)
        return False
    return True
