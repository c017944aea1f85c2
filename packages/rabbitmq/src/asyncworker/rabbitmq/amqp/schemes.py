"""Schemes of a broker's URL (https://www.rabbitmq.com/docs/uri-spec), and one of our own."""

from typing import Final

PORTS: Final = {"amqp": 5672, "amqps": 5671}
MEMORY: Final = "memory"
"""The scheme of a broker in this process."""
