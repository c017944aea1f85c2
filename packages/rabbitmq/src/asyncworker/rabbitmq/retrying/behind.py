"""A message that goes to the end of its own queue, where it counts as new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.retrying.rewritten import same_attempt

if TYPE_CHECKING:
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.publishing.publisher import Publisher
    from asyncworker.rabbitmq.route import AMQPRoute

PUBLISH_TIMEOUT: Final = 5.0
"""Seconds that the broker has to take a copy, or what is to carry copies."""


async def publish_behind(message: RabbitMQMessage, route: AMQPRoute) -> None:
    """Publish a copy of a message behind all others of its queue.

    Raises: PublishError, ValueError
    """
    await publisher_of(route).publish(same_attempt(message), PUBLISH_TIMEOUT)


def publisher_of(route: AMQPRoute) -> Publisher:
    """Return what publishes copies.

    Another connection than the one that consumes: under an alarm the broker would take no
    acknowledgement either from one that publishes.
    """
    return route.connection.publisher(route.vhost)
