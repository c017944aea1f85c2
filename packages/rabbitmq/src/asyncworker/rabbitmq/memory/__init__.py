"""memory://, a broker in this process, for first steps and tests."""

from asyncworker.rabbitmq.memory.broker import forget

__all__ = ["forget"]
