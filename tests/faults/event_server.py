"""A server of event streams, which fails in whatever way a drill says."""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.faults.ledger import Ledger

AGAIN = b"event: again\n"
"""Names an event that was sent before: what `redelivered` is to a message."""


@dataclass(eq=False)
class Exchange:
    """One request, and the way to answer it. at: seconds of the monotonic clock."""

    head: str
    writer: asyncio.StreamWriter
    at: float = field(default_factory=time.monotonic)

    @property
    def path(self) -> str:
        """Return what was asked for."""
        return self.head.split(" ")[1]

    def header(self, name: str) -> str:
        """Return the value of a header, "" when it is missing."""
        for line in self.head.splitlines()[1:]:
            found, _, value = line.partition(":")
            if found.lower() == name.lower():
                return value.strip()
        return ""

    async def answer(self, status: str, **headers: str) -> None:
        """Send the head of an answer; its body is what follows until the connection closes."""
        lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
        await self.write(f"HTTP/1.1 {status}\r\n{''.join(lines)}\r\n".encode())

    async def begin(self) -> None:
        """Send the head of an event stream."""
        await self.answer("200 OK", Content_Type="text/event-stream")

    async def write(self, data: bytes) -> None:
        """Send bytes, as fast as they are read."""
        self.writer.write(data)
        await self.writer.drain()


Fault = Callable[[Exchange], Awaitable[None]]


class EventServer:
    """Keep a stream of events for each path, and send all after the `Last-Event-ID`.

    faults: what the next requests meet in place of their stream, one each; the connection is
    closed when a fault returns. requests: all there have been. sent: how many events were.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.faults: Iterator[Fault] = iter(())
        self.requests: list[Exchange] = []
        self.port = 0
        self._ledger = ledger
        self._streams: defaultdict[str, list[bytes]] = defaultdict(list)
        self._sent: set[str] = set()
        self._news = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def started(cls, ledger: Ledger) -> AsyncIterator["EventServer"]:
        """Listen on a free port."""
        events = cls(ledger)
        server = await asyncio.start_server(events._serve, "127.0.0.1", 0)
        events.port = server.sockets[0].getsockname()[1]
        try:
            yield events
        finally:
            server.close()

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sent(self) -> int:
        """Return how many events were sent."""
        return len(self._sent)

    def publish(self, bodies: Iterable[bytes], path: str = "/events") -> set[str]:
        """Add events to a stream, which is a promise to whoever follows it; return their ids."""
        stream = self._streams[path]
        first = len(stream)
        stream += bodies
        ids = {f"{path}-{number}" for number in range(first, len(stream))}
        self._ledger.attempted |= ids
        self._ledger.confirmed |= ids
        self._news.set()
        self._news = asyncio.Event()
        return ids

    def cut(self) -> None:
        """Reset every connection."""
        for exchange in self.requests:
            exchange.writer.transport.abort()

    def fall_silent(self) -> None:
        """Never wake those who wait for the next event: their streams stay open."""
        self._news = asyncio.Event()

    async def tell(self, exchange: Exchange, limit: float = math.inf) -> None:
        """Send events, up to `limit` of them, in the body of an answer that was begun."""
        stream = self._streams[exchange.path]
        first = int(exchange.header("Last-Event-ID").rpartition("-")[2] or -1) + 1
        number = first
        while number - first < limit:
            news = self._news
            if number == len(stream):
                await news.wait()
            else:
                await exchange.write(self._event(exchange.path, number))
                number += 1

    def _event(self, path: str, number: int) -> bytes:
        event_id = f"{path}-{number}"
        name = AGAIN if event_id in self._sent else b""
        self._sent.add(event_id)
        return b"%sid: %s\ndata: %s\n\n" % (name, event_id.encode(), self._streams[path][number])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                exchange = Exchange(head, writer)
                self.requests.append(exchange)
                await self._answer(exchange, reader)
        finally:
            writer.close()

    async def _answer(self, exchange: Exchange, reader: asyncio.StreamReader) -> None:
        """Answer, as long as the client is there."""
        answering = asyncio.ensure_future(next(self.faults, self._stream)(exchange))
        leaving = asyncio.ensure_future(reader.read())
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in (answering, leaving):
            task.cancel()
            with suppress(ConnectionError, asyncio.CancelledError):
                await task

    async def _stream(self, exchange: Exchange) -> None:
        await exchange.begin()
        await self.tell(exchange)
