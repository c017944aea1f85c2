"""Consume and publish RabbitMQ messages."""

from asyncworker.rabbitmq.connection import AMQPConnection
from asyncworker.rabbitmq.errors import (
    NotSerializable,
    PublishError,
    PublishRejected,
    PublishTimeout,
    Unroutable,
)
from asyncworker.rabbitmq.message import RabbitMQMessage
from asyncworker.rabbitmq.route import AMQPOptions
from asyncworker.rabbitmq.version import __version__

__all__ = [
    "AMQPConnection",
    "AMQPOptions",
    "NotSerializable",
    "PublishError",
    "PublishRejected",
    "PublishTimeout",
    "RabbitMQMessage",
    "Unroutable",
    "__version__",
]
