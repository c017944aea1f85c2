"""A server of event streams that does what a test tells it, over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from asyncworker import App
from asyncworker.sse import SSEConnection


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

    def __init__(self, limit: float) -> None:
        self.url = ""
        self.count = 0
        self.streams: asyncio.Queue[Stream] = asyncio.Queue()
        self._limit = limit

    async def handle(self, request: web.Request) -> web.StreamResponse:
        stream = Stream(request)
        self.count += 1
        self.streams.put_nowait(stream)
        return await stream.answer

    async def accept(self) -> Stream:
        """Return the next request."""
        async with asyncio.timeout(self._limit):
            return await self.streams.get()

    async def stream(self) -> Stream:
        """Return the next request, with the head of its answer sent."""
        return await (await self.accept()).start()


@asynccontextmanager
async def serving(limit: float, **options: Any) -> AsyncIterator[Server]:
    server = Server(limit)
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
async def serve(limit: float) -> AsyncIterator[Callable[..., Any]]:
    """Start one more server."""
    async with AsyncExitStack() as stack:
        yield lambda **options: stack.enter_async_context(serving(limit, **options))


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
