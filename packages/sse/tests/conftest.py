"""A server of event streams that does what a test tells it, over real sockets."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from asyncworker import App
from asyncworker.sse import SSEConnection, SSEEvent

LIMIT = 30.0
"""Seconds that anything may take on a busy machine before a test gives up waiting for it."""


@dataclass
class Inbox:
    """A handler that keeps the batches it is given, and hands them to the test."""

    batches: asyncio.Queue[list[SSEEvent]] = field(default_factory=asyncio.Queue)

    async def __call__(self, events: list[SSEEvent]) -> None:
        self.batches.put_nowait(events)

    async def batch(self) -> list[SSEEvent]:
        async with asyncio.timeout(LIMIT):
            return await self.batches.get()

    async def data(self, count: int) -> list[str]:
        """The data of the next `count` events, in order, whatever batches they come in."""
        data: list[str] = []
        while len(data) < count:
            data += [event.data for event in await self.batch()]
        return data


class LogWaiter(logging.Handler):
    """Collects log records, and lets a test wait for one."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self._changed = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self._changed.set()

    def matching(self, text: str) -> list[logging.LogRecord]:
        return [record for record in self.records if text in record.getMessage()]

    async def wait(self, text: str, count: int = 1) -> logging.LogRecord:
        async with asyncio.timeout(LIMIT):
            while len(self.matching(text)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.matching(text)[count - 1]


class Stream:
    """One request, and the answer that the test writes to it."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.headers = request.headers
        self.answer: asyncio.Future[web.StreamResponse] = asyncio.Future()
        self._response = web.StreamResponse()

    async def start(self, content_type: str = "text/event-stream") -> "Stream":
        self._response.headers["Content-Type"] = content_type
        self._response.enable_chunked_encoding()
        await self._response.prepare(self.request)
        return self

    async def send(self, data: bytes) -> None:
        await self._response.write(data)

    async def end(self) -> None:
        """End in order."""
        await self._response.write_eof()
        self.answer.set_result(self._response)

    def drop(self) -> None:
        """Close the connection in the middle of the answer, with all that was sent delivered."""
        self.request.transport.close()

    def respond(self, status: int, **headers: str) -> None:
        """Give a short answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer.set_result(web.Response(status=status, headers=named))


class Server:
    """Accept what clients ask for, and let the test answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.count = 0
        self.streams: asyncio.Queue[Stream] = asyncio.Queue()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        stream = Stream(request)
        self.count += 1
        self.streams.put_nowait(stream)
        return await stream.answer

    async def accept(self) -> Stream:
        """Return the next request."""
        async with asyncio.timeout(LIMIT):
            return await self.streams.get()

    async def stream(self) -> Stream:
        """Return the next request, with the head of its answer sent."""
        return await (await self.accept()).start()


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Server]:
    server = Server("")
    runner = web.ServerRunner(
        web.Server(server.handle, handler_cancellation=True), shutdown_timeout=0.1
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, **options)
    await site.start()
    scheme = "https" if options else "http"
    server.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    """Start one more server."""
    async with AsyncExitStack() as stack:
        yield lambda **options: stack.enter_async_context(serving(**options))


@pytest.fixture
async def server(serve: Callable[..., Any]) -> Server:
    return await serve()


@pytest.fixture
async def raw() -> AsyncIterator[Callable[..., Any]]:
    """Start a server that is given each connection as it is."""
    servers = []

    async def start(handle: Callable[..., Any]) -> str:
        async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await handle(reader, writer)
            except (ConnectionError, asyncio.CancelledError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(whole, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def limit() -> float:
    return LIMIT


@pytest.fixture
def logs() -> Iterator[LogWaiter]:
    waiter = LogWaiter()
    logger = logging.getLogger("asyncworker")
    logger.addHandler(waiter)
    logger.setLevel(logging.DEBUG)
    yield waiter
    logger.removeHandler(waiter)
    logger.setLevel(logging.NOTSET)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reconnects wait next to nothing."""
    monkeypatch.setattr("asyncworker.sse.client.FIRST_DELAY", 0.01)
    monkeypatch.setattr("asyncworker.sse.client.MAX_DELAY", 0.02)


@pytest.fixture
def connection(server: Server) -> SSEConnection:
    return SSEConnection(server.url)


@pytest.fixture
def app(connection: SSEConnection) -> App:
    return App(connections=[connection])
