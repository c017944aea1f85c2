"""A connection of the library, which lets its users make the reader and the writer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aio_pika import Connection
from aiormq import SSLContextProvider, TransportFactory
from aiormq.exceptions import AMQPConnectionError

from asyncworker.rabbitmq.amqp.schemes import MEMORY
from asyncworker.rabbitmq.wire.coalescing import Coalescing
from asyncworker.rabbitmq.wire.wire import HIGH_WATER, Wire

if TYPE_CHECKING:
    import ssl

    from yarl import URL


class WireConnection(Connection):
    """Leave everything but content to the library. `wire` takes what it reads."""

    def __init__(self, url: URL, ssl_context: ssl.SSLContext | None = None) -> None:
        super().__init__(url, ssl_context=ssl_context)
        self._factory = WireTransportFactory()
        self.kwargs["transport_factory"] = self._factory

    @property
    def wire(self) -> Wire:
        """Return the wire of the open connection."""
        return self._factory.wire

    async def connect(self, timeout: float | None = None) -> None:
        """Connect; from here on the negotiated size of frames holds."""
        await super().connect(timeout)
        if self.transport is not None:
            self.wire.limit(self.transport.connection.connection_tune.frame_max)


class WireTransportFactory(TransportFactory):
    """Open a transport that a `Wire` reads."""

    wire: Wire

    async def create(
        self, url: URL, **kwargs: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect by TCP, by TLS or in memory, as the URL says.

        Raises: AMQPConnectionError
        """
        provider: SSLContextProvider = kwargs.pop("ssl_context_provider")
        context = await provider.get_context() if url.scheme == "amqps" else None
        loop = asyncio.get_running_loop()
        wire = Wire(loop)
        protocol = asyncio.StreamReaderProtocol(wire, loop=loop)
        transport: asyncio.Transport
        if url.scheme == MEMORY:
            from asyncworker.rabbitmq.memory.transport import connect

            transport = connect(protocol, url, loop)
        else:
            where = {"host": url.host, "port": url.port, "ssl": context, **kwargs}
            try:
                transport, _ = await loop.create_connection(lambda: protocol, **where)
            except OSError as error:
                raise AMQPConnectionError(*error.args) from error
        transport.set_write_buffer_limits(HIGH_WATER)
        wire.coalescing = Coalescing.of(transport, loop)
        wire.writer = WireWriter(transport, protocol, wire, loop)
        self.wire = wire
        return wire, wire.writer


class WireWriter(asyncio.StreamWriter):
    """Write for the library, and let the wire know what it closes."""

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        protocol: asyncio.StreamReaderProtocol,
        wire: Wire,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(transport, protocol, wire, loop)
        self._wire = wire

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write whole frames."""
        self._wire.sent(data)
        super().write(data)
