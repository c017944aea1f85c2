"""Which of two ways messages go: straight from the wire, or through the library."""

from __future__ import annotations

import inspect
import logging
from functools import cache
from typing import TYPE_CHECKING

import aio_pika
import aiormq

from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq.settings import RabbitMQSettings
from asyncworker.rabbitmq.wire.library_channel import LibraryChannel
from asyncworker.rabbitmq.wire.wire_channel import WireChannel

if TYPE_CHECKING:
    from aiormq.abc import AbstractChannel

    from asyncworker.rabbitmq.wire.message_channel import MessageChannel

log = logging.getLogger(__name__)


def connection_class(*, in_memory: bool = False) -> type[aio_pika.Connection]:
    """Return the class of new connections, as the environment and the library have it.

    in_memory: whether they are to a broker of this process.
    Raises: ConfigurationError
    """
    if in_memory and not can_choose_transport():
        raise ConfigurationError("memory:// needs an aiormq whose transport can be chosen")
    chosen = _connection_class(RabbitMQSettings.load().wire)
    if in_memory and chosen is aio_pika.Connection:
        from asyncworker.rabbitmq.memory.transport import MemoryConnection

        return MemoryConnection
    return chosen


def channel_of(connection: aio_pika.Connection, underlay: AbstractChannel) -> MessageChannel:
    """Return a channel of the library as one that carries messages."""
    wire = getattr(connection, "wire", None)
    return LibraryChannel(underlay) if wire is None else WireChannel(underlay, wire)


@cache
def _connection_class(is_wanted: bool) -> type[aio_pika.Connection]:
    """Choose once, and log it once."""
    if not is_wanted:
        log.info("messages go through aiormq, as ASYNCWORKER_RABBITMQ_WIRE says")
    elif not can_choose_transport():
        log.warning("messages go through aiormq, whose transport cannot be chosen")
    else:
        from asyncworker.rabbitmq.wire.wire_connection import WireConnection

        log.info("messages go straight from and to the wire")
        return WireConnection
    return aio_pika.Connection


def can_choose_transport() -> bool:
    """Tell whether the library lets its users make the transport of a connection."""
    parameters = inspect.signature(aiormq.Connection.__init__).parameters
    return hasattr(aiormq, "TransportFactory") and "transport_factory" in parameters
