"""Every ASYNCWORKER_RABBITMQ_* variable, in one place."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from asyncworker.settings import PREFIX, Environment


class RabbitMQSettings(Environment):
    """Hold what the environment says.

    wire: whether messages are read and written without the AMQP library, which does everything
    else.
    """

    model_config = SettingsConfigDict(env_prefix=f"{PREFIX}RABBITMQ_")

    wire: bool = True
