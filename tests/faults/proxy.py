"""A TCP proxy between a worker and its broker, which breaks the connection in every way."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import repeat

CHUNK = 64 * 1024
IN_FLIGHT = 256
"""The most chunks that are under way at once: a slow link holds a bounded amount."""

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """Pass bytes between clients and a port of 127.0.0.1, until told otherwise.

    delay: seconds that every byte takes, each way.
    cuts: for one new connection after the other, the bytes from the server after which it ends, in
    the middle of a frame most likely; None for never.
    connections: how many there have been.
    """

    def __init__(self, target: int) -> None:
        self.port = 0
        self.delay = 0.0
        self.cuts: Iterator[int | None] = repeat(None)
        self.connections = 0
        self._target = target
        self._flows = asyncio.Event()
        self._flows.set()
        self._writers: set[asyncio.StreamWriter] = set()

    @classmethod
    @asynccontextmanager
    async def to(cls, target: int) -> AsyncIterator["Proxy"]:
        """Listen on a free port; at the end cut what is still open."""
        proxy = cls(target)
        server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            server.close()
            proxy.flow()
            proxy.cut()
            await server.wait_closed()

    def cut(self) -> None:
        """Reset every connection, with what is under way."""
        for writer in self._writers:
            writer.transport.abort()

    def stall(self) -> None:
        """Pass nothing more; the connections stay open, as when a host vanishes."""
        self._flows.clear()

    def flow(self) -> None:
        """Pass everything again."""
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with self._held(writer):
            try:
                server = await asyncio.open_connection("127.0.0.1", self._target)
            except OSError:
                return
            with self._held(server[1]):
                await self._join((reader, writer), server)

    @contextmanager
    def _held(self, writer: asyncio.StreamWriter) -> Iterator[None]:
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _join(self, client: Stream, server: Stream) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                self._pump(group, client[0], server[1], None)
                self._pump(group, server[0], client[1], next(self.cuts))
        except* OSError:
            # One side is gone: so is the other, when its writer is closed.
            pass

    def _pump(
        self,
        group: asyncio.TaskGroup,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limit: int | None,
    ) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT)
        group.create_task(self._take(reader, under_way))
        group.create_task(self._give(under_way, writer, limit))

    async def _take(
        self, reader: asyncio.StreamReader, under_way: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            try:
                data = await reader.read(CHUNK)
            except OSError:
                # The other side learns of a reset in its turn: not while all is stalled.
                data = b""
            await under_way.put((clock() + self.delay, data))
            if not data:
                return

    async def _give(
        self,
        under_way: asyncio.Queue[tuple[float, bytes]],
        writer: asyncio.StreamWriter,
        limit: int | None,
    ) -> None:
        clock = asyncio.get_running_loop().time
        given = 0
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(due - clock())
            await self._flows.wait()
            if not data:
                writer.write_eof()
                return
            writer.write(data if limit is None else data[: limit - given])
            await writer.drain()
            given += len(data)
            if limit is not None and given >= limit:
                raise ConnectionAbortedError
