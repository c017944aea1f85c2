"""The way to a broker in memory, in place of a socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aio_pika
from aiormq import TransportFactory
from aiormq.exceptions import AMQPConnectionError

from asyncworker.rabbitmq.memory.broker import broker
from asyncworker.rabbitmq.memory.client import Client

if TYPE_CHECKING:
    import ssl

    from yarl import URL


class MemoryTransport(asyncio.Transport):
    """Carry bytes between a client's protocol and a broker, each side in a turn of its own."""

    def __init__(
        self, protocol: asyncio.BaseProtocol, name: str, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__()
        self._loop = loop
        self._protocol: Any = protocol
        self._broker = broker(name)
        self._connection = self._broker.connect(Client(self._to_client, self.close), loop)
        self._in: list[bytes] = []
        self._out: list[bytes] = []
        self._is_scheduled = False
        self._is_paused = False
        self._is_closing = False
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take what the client says."""
        if not self._is_closing:
            self._in.append(bytes(data))
            self._schedule()

    def can_write_eof(self) -> bool:
        """Return False: AMQP closes by its own frames."""
        return False

    def get_write_buffer_size(self) -> int:
        """Return 0: the broker takes everything at once."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Return: there is no limit."""

    def pause_reading(self) -> None:
        """Hold what the broker says."""
        self._is_paused = True

    def resume_reading(self) -> None:
        """Go on after a pause."""
        self._is_paused = False
        self._schedule()

    def is_closing(self) -> bool:
        """Tell whether the client, or the broker, has hung up."""
        return self._is_closing

    def close(self) -> None:
        """Hang up, once what was written has been taken."""
        if not self._is_closing:
            self._is_closing = True
            self._loop.call_soon(self._close)

    def abort(self) -> None:
        """Hang up."""
        self.close()

    def _to_client(self, data: bytes) -> None:
        self._out.append(data)
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._move)

    def _move(self) -> None:
        """Bring both sides what the other has said."""
        self._is_scheduled = False
        received, self._in = self._in, []
        if received:
            self._connection.receive(b"".join(received))
        if self._out and not self._is_paused:
            sent, self._out = self._out, []
            self._protocol.data_received(b"".join(sent))

    def _close(self) -> None:
        self._is_paused = False
        self._move()
        self._broker.leave(self._connection)
        self._protocol.connection_lost(None)


class MemoryFactory(TransportFactory):
    """Connect the library to a broker in memory, named by the host of the URL."""

    async def create(
        self, url: URL, **kwargs: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect.

        Raises: AMQPConnectionError
        """
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport = connect(protocol, url, loop)
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


class MemoryConnection(aio_pika.Connection):
    """Leave everything to the library, but for the socket."""

    def __init__(self, url: URL, ssl_context: ssl.SSLContext | None = None) -> None:
        super().__init__(url, ssl_context=ssl_context)
        self.kwargs["transport_factory"] = MemoryFactory()


def connect(
    protocol: asyncio.BaseProtocol, url: URL, loop: asyncio.AbstractEventLoop
) -> MemoryTransport:
    """Return a transport to the broker that a URL names by its host.

    Raises: AMQPConnectionError
    """
    try:
        return MemoryTransport(protocol, url.host or "", loop)
    except OSError as error:
        raise AMQPConnectionError(*error.args) from error
