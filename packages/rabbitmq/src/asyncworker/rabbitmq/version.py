"""Name the version of asyncworker-rabbitmq."""

__version__ = "0.1.0"
