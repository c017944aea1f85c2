"""What the broker delivered, as messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncworker.rabbitmq.message import RabbitMQMessage, decode

if TYPE_CHECKING:
    from aiormq.abc import DeliveredMessage

    from asyncworker.rabbitmq.channel import ConsumeChannel


class Undecodable(ValueError):
    """Report a body that is no JSON."""


def tag_of(delivered: DeliveredMessage) -> int:
    """Return the delivery tag, a number that grows on each channel."""
    deliver: Any = delivered.delivery
    tag: int = deliver.delivery_tag
    return tag


def read(delivered: DeliveredMessage, queue: str, channel: ConsumeChannel) -> RabbitMQMessage:
    """Return a delivery as a message.

    Raises: Undecodable
    """
    deliver: Any = delivered.delivery
    properties = delivered.header.properties
    try:
        body = decode(delivered.body)
    except (ValueError, RecursionError) as error:
        raise Undecodable(str(error)) from error
    return RabbitMQMessage(
        body=body,
        raw_body=delivered.body,
        queue=queue,
        exchange=deliver.exchange,
        routing_key=deliver.routing_key,
        headers=properties.headers or {},
        message_id=properties.message_id,
        content_type=properties.content_type,
        redelivered=deliver.redelivered,
        delivery_tag=deliver.delivery_tag,
        channel=channel,
    )
