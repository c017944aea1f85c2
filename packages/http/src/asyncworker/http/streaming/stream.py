"""One answer that is sent while its handler yields it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from aiohttp import hdrs, web
from aiohttp.http import HttpVersion11

from asyncworker.handling.time_limit import limited
from asyncworker.http.streaming.event import COMMENT
from asyncworker.http.streaming.kind import EVENTS, TEXT, Kind, kind_of
from asyncworker.routes import name_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from aiohttp.http import StreamWriter

    from asyncworker.http.serving.connection import Connection
    from asyncworker.routes import Handler

    Values = AsyncGenerator[Any, None]
    Put = Callable[[Any], Awaitable[None]]
    Produce = Callable[[Values, Put], Awaitable[None]]
    Send = Callable[[web.Request, Values], Awaitable[web.StreamResponse]]


class Over(Exception):
    """Leave a generator that nothing more is taken from."""


def make_send(handler: Handler, timeout: float | None, heartbeat: float, kind: Kind | None) -> Send:
    """Return what sends all that the handler's generators yield.

    timeout: seconds for a whole stream. heartbeat: seconds from what an event stream sent to a
    comment, when it has nothing else to send. kind: what the handler says of its streams, if it
    does.
    """
    produce = limited(_producer(handler), timeout)

    async def send(request: web.Request, values: Values) -> web.StreamResponse:
        return await Stream(request, heartbeat, kind).run(produce, values)

    return send


def _producer(handler: Handler) -> Produce:
    async def produce(values: Values, put: Put) -> None:
        # From its first line to its last in one task, for the sake of its task groups and limits.
        async with aclosing(values):
            async for value in values:
                await put(value)

    # What a log says of a call that would not end.
    produce.__qualname__ = name_of(handler)
    return produce


class Stream:
    """Answer one request with what a generator yields."""

    def __init__(self, request: web.Request, heartbeat: float, kind: Kind | None) -> None:
        self._request = request
        self._connection = cast("Connection", request.protocol)
        self._writer = cast("StreamWriter", request.writer)
        self._loop = asyncio.get_running_loop()
        self._heartbeat = heartbeat
        self._kind = kind
        self._response: web.StreamResponse | None = None
        self._writing = asyncio.Lock()
        self._written = self._loop.time()
        self._producing: asyncio.Task[BaseException | None]
        self._is_over = False
        self._is_finishing = False

    async def run(self, produce: Produce, values: Values) -> web.StreamResponse:
        """Return the answer, which lacks but its end.

        Raises: Unanswerable, and what the handler raises; the answer may have begun.
        """
        self._producing = self._loop.create_task(self._outcome(produce, values))
        with self._connection.telling(lost=self._leave, closing=self._finish):
            try:
                await self._wait()
            except BaseException:
                self._producing.cancel()
                await asyncio.wait([self._producing])
                self._raise_failure()
                raise
        self._raise_failure()
        return self._response or self._made(self._kind or TEXT)

    async def _outcome(self, produce: Produce, values: Values) -> BaseException | None:
        try:
            await produce(values, self._put)
        except BaseException as error:  # noqa: BLE001
            # Users' code: even its SystemExit must not end the loop, as that of a task would.
            return error
        return None

    def _raise_failure(self) -> None:
        task = self._producing
        error = asyncio.CancelledError() if task.cancelled() else task.result()
        if error is None or isinstance(error, Over):
            return
        if isinstance(error, asyncio.CancelledError) and (self._is_over or task.cancelling()):
            return
        raise error

    async def _put(self, value: Any) -> None:
        """Send a value, and return once the client has read enough for another one.

        Raises: Over, when no other one is wanted; Unanswerable
        """
        try:
            async with self._writing:
                await self._send(value)
        except BaseException:
            # The generator is closed now: what else happens must not disturb it.
            self._is_over = True
            raise

    async def _send(self, value: Any) -> None:
        if self._is_over:
            raise Over
        if self._kind is None:
            self._kind = kind_of(value)
        data = self._kind.encode(value)
        try:
            response = await self._begun(self._kind)
            if self._is_head:
                raise Over
            await response.write(data)
            # It waits by itself for every 64 KiB alone.
            await self._writer.drain()
        except ConnectionError:
            if self._is_lost:
                raise Over from None
            raise
        self._written = self._loop.time()
        if self._is_finishing and self._is_resumed:
            raise Over

    async def _begun(self, kind: Kind) -> web.StreamResponse:
        if self._response is None:
            response = self._made(kind)
            await response.prepare(self._request)
            self._response = response
        return self._response

    def _made(self, kind: Kind) -> web.StreamResponse:
        response = web.StreamResponse(headers=kind.headers)
        if self._request.version < HttpVersion11:
            # Its end is that of the connection.
            response.force_close()
        return response

    async def _wait(self) -> None:
        """Wait for the end of the generator, with a heartbeat whenever it is due."""
        while not self._producing.done():
            left = self._written + self._heartbeat - self._loop.time()
            done, _ = await asyncio.wait([self._producing], timeout=max(left, 0))
            if not done:
                await self._beat()

    async def _beat(self) -> None:
        self._written = self._loop.time()
        is_busy = self._writing.locked() or self._connection.writing_paused
        if self._kind is not EVENTS or is_busy or self._is_over:
            return
        try:
            async with self._writing:
                await self._begun(EVENTS)
                if self._is_head:
                    self._leave()
                else:
                    await self._writer.write(COMMENT, drain=False)
        except ConnectionError:
            if not self._is_lost:
                raise

    @property
    def _is_lost(self) -> bool:
        transport = self._request.transport
        return transport is None or transport.is_closing()

    @property
    def _is_head(self) -> bool:
        return self._request.method == hdrs.METH_HEAD

    @property
    def _is_resumed(self) -> bool:
        """Tell whether the client asks again by itself when the stream ends, as browsers do."""
        return self._kind is EVENTS and self._request.method == hdrs.METH_GET

    def _finish(self) -> None:
        """End what would go on for as long as the client is there."""
        self._is_finishing = True
        if self._is_resumed:
            self._leave()

    def _leave(self) -> None:
        """Take nothing more from the generator."""
        if not self._is_over:
            self._is_over = True
            self._producing.cancel()
