"""Consume and publish RabbitMQ messages."""

from asyncworker.rabbitmq.asking.answer import Answer
from asyncworker.rabbitmq.connection import AMQPConnection
from asyncworker.rabbitmq.consumer import Consumer
from asyncworker.rabbitmq.errors import (
    AskFailed,
    AskTimeout,
    BrokerError,
    NotSerializable,
    PublishError,
    PublishRejected,
    PublishTimeout,
    TopologyMismatch,
    Unroutable,
)
from asyncworker.rabbitmq.message import RabbitMQMessage
from asyncworker.rabbitmq.publishing.message import Message
from asyncworker.rabbitmq.retry import Retry
from asyncworker.rabbitmq.route import AMQPOptions
from asyncworker.rabbitmq.shards import Shards
from asyncworker.rabbitmq.split import Split
from asyncworker.rabbitmq.target import Target
from asyncworker.rabbitmq.topology import Binding, Exchange, Queue
from asyncworker.rabbitmq.version import __version__

__all__ = [
    "AMQPConnection",
    "AMQPOptions",
    "Answer",
    "AskFailed",
    "AskTimeout",
    "Binding",
    "BrokerError",
    "Consumer",
    "Exchange",
    "Message",
    "NotSerializable",
    "PublishError",
    "PublishRejected",
    "PublishTimeout",
    "Queue",
    "RabbitMQMessage",
    "Retry",
    "Shards",
    "Split",
    "Target",
    "TopologyMismatch",
    "Unroutable",
    "__version__",
]
