"""Consume and publish RabbitMQ messages."""

from asyncworker.rabbitmq.connection import AMQPConnection
from asyncworker.rabbitmq.errors import (
    BrokerError,
    NotSerializable,
    PublishError,
    PublishRejected,
    PublishTimeout,
    TopologyMismatch,
    Unroutable,
)
from asyncworker.rabbitmq.message import RabbitMQMessage
from asyncworker.rabbitmq.retry import Retry
from asyncworker.rabbitmq.route import AMQPOptions
from asyncworker.rabbitmq.topology import Binding, Exchange, Queue
from asyncworker.rabbitmq.version import __version__

__all__ = [
    "AMQPConnection",
    "AMQPOptions",
    "Binding",
    "BrokerError",
    "Exchange",
    "NotSerializable",
    "PublishError",
    "PublishRejected",
    "PublishTimeout",
    "Queue",
    "RabbitMQMessage",
    "Retry",
    "TopologyMismatch",
    "Unroutable",
    "__version__",
]
