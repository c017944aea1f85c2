"""Every ASYNCWORKER_RABBITMQ_* and ASYNCWORKER_AMQP_* variable, in one place."""

from __future__ import annotations

from asyncworker.record import COUNT, FLAG, checked_field, optional
from asyncworker.settings import Environment
from asyncworker.variables import PREFIX


class RabbitMQSettings(Environment):
    """Hold what the environment says.

    wire: whether messages are read and written without the AMQP library, which does everything
    else.
    body_limit: bytes that a body may come to when its content encoding is undone; a larger one
    reaches no handler.
    """

    env_prefix = f"{PREFIX}RABBITMQ_"

    wire: bool = checked_field(default=True, schema=FLAG)
    body_limit: int = checked_field(default=64 * 1024 * 1024, schema=COUNT)


class AMQPSettings(Environment):
    """Hold what the environment says of where a broker is.

    url: that of an `AMQPConnection` which is given neither a hostname nor a URL.
    """

    env_prefix = f"{PREFIX}AMQP_"

    url: str | None = checked_field(default=None, schema=optional({"type": "str"}), repr=False)
