"""What TestApp offers for Server-Sent Events: a server that sends what the test says."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any

from aiohttp import web
from yarl import URL

from asyncworker.errors import ConfigurationError, suggestion
from asyncworker.plural import counted
from asyncworker.testing import watched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence

    from asyncworker.routes import Handler
    from asyncworker.sse.event import SSEEvent
    from asyncworker.sse.route import SSEOptions, SSERoute
    from asyncworker.testing import Journal

__all__ = ["SSEStand"]


class Stream:
    """Send events to who asks for them, in order, each once."""

    def __init__(self, route: str, journal: Journal) -> None:
        self.route = route
        self.is_read = False
        self._journal = journal
        self._unsent: asyncio.Queue[bytes | None] = asyncio.Queue()

    def send(self, event: bytes | None) -> None:
        """Have an event sent; None ends the stream."""
        self._unsent.put_nowait(event)

    @property
    def unsent(self) -> int:
        """Return how many events nobody was sent yet."""
        return self._unsent.qsize()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send events until the end."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self.is_read = True
        self._journal.changed()
        try:
            while (event := await self._unsent.get()) is not None:
                await response.write(event)
        finally:
            self.is_read = False
        return response


class Done:
    """Be awaited at will: it is done already."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


class SSEStand:
    """Hold a stream for each that the app would read."""

    def __init__(self, routes: Sequence[SSERoute], journal: Journal) -> None:
        self.routes: Sequence[SSERoute] = ()
        self.events: list[SSEEvent] = []
        """All that handlers were given, in that order."""
        self._streams = [Stream(name, journal) for route in routes for name in route.routes]
        self._journal = journal
        self._fed = 0
        self._left_out_count = 0
        self._failed: set[int] = set()
        """Those that a pause may have come again."""
        self._handled: set[int] = set()
        """The identities of events that were given to handlers to the end; `events` keeps them."""

    def feed(
        self, route: str, data: Any = "", name: str = "", id: str | None = None
    ) -> Awaitable[None]:
        """Send an event to those who read a route; it may be awaited, as `publish()` is.

        route: its path, as the app declares it. data: text, or a value that goes as JSON.
        name: the type of the event, "message" when it is empty. id: the last event id from here on.
        Raises: ConfigurationError
        """
        streams = [one for one in self._streams if one.route == route]
        if not streams:
            known = [one.route for one in self._streams]
            raise ConfigurationError(f"the app reads no {route!r}: {suggestion(route, known)}")
        for stream in streams:
            self._fed += 1
            stream.send(_encoded(data, name, id))
        return Done()

    def busy(self) -> list[str]:
        """Return which streams are not read, and how many events are not handled."""
        lines = [f"stream {one.route!r} is not read" for one in self._streams if not one.is_read]
        handled = len(self._handled) + self._left_out_count
        circuits = [route.circuit for route in self.routes]
        rests = any(one.rests for one in circuits)
        if self._failed and not rests and any(one.state != "working" for one in circuits):
            lines.append("a pause is over, and an event is to be tried")
        if not rests and (waiting := self._fed - handled - self._held) > 0:
            lines.append(f"{counted(waiting, 'event')} not handled")
        return lines

    def killed(self) -> None:
        """Count what was sent as gone, as of a server that keeps no history."""
        unsent = sum(stream.unsent for stream in self._streams)
        self._fed = len(self._handled) + self._left_out_count + unsent

    async def advance(self, seconds: float) -> None:
        """Let time pass for events that wait for a rate, and for pauses.

        seconds: how much.
        """
        for route in self.routes:
            route.circuit.advance(seconds)
            route.delays.advance(seconds)

    @property
    def _held(self) -> int:
        return sum(route.delays.count_held() for route in self.routes)

    @asynccontextmanager
    async def serving(self, routes: Sequence[SSERoute]) -> AsyncIterator[None]:
        """Serve the streams, and point routes at them."""
        application = web.Application()
        for number, stream in enumerate(self._streams):
            application.router.add_get(f"/{number}", stream.answer)
        runner = web.AppRunner(application, shutdown_timeout=0.0, handler_cancellation=True)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.routes = self._pointed(routes, runner.addresses[0][1])
            yield
        finally:
            for stream in self._streams:
                stream.send(None)
            await runner.cleanup()

    def _pointed(self, routes: Sequence[SSERoute], port: int) -> list[SSERoute]:
        numbers = iter(range(len(self._streams)))
        pointed = []
        for route in routes:
            endpoints = tuple(
                replace(
                    one, url=URL(f"http://127.0.0.1:{port}/{next(numbers)}"), ssl=None, sources=()
                )
                for one in route.endpoints
            )
            mine = replace(
                route,
                endpoints=endpoints,
                handler=self._counted(route.handler),
                body_of=route.body_of and self._left_out(route.body_of),
                options=self._keyed(route.options),
            )
            pointed.append(watched(mine, self._journal))
        return pointed

    def _counted(self, handler: Handler) -> Handler:
        @wraps(handler)
        async def count(events: list[SSEEvent]) -> None:
            self.events += events
            them = {id(event) for event in events}
            self._failed -= them
            try:
                await handler(events)
            except BaseException:
                self._failed |= them
                raise
            finally:
                self._handled |= them

        return count

    def _keyed(self, options: SSEOptions) -> SSEOptions:
        bulk_by, order_by, rate = options.bulk_by, options.order_by, options.rate
        return replace(
            options,
            bulk_by=self._left_out(bulk_by) if callable(bulk_by) else None,
            order_by=self._left_out(order_by) if callable(order_by) else None,
            rate=rate and replace(rate, by=self._left_out(rate.by) if callable(rate.by) else None),
        )

    def _left_out(self, function: Callable[[SSEEvent], Any]) -> Callable[[SSEEvent], Any]:
        """Count those that no handler is given, as a body or a key cannot be told."""

        def count(event: SSEEvent) -> Any:
            try:
                return function(event)
            except Exception:
                self._left_out_count += 1
                self._journal.changed()
                raise

        return count


def _encoded(data: Any, name: str, id: str | None) -> bytes:
    """Return an event as it is on the wire (WHATWG HTML 9.2.5)."""
    text = data if isinstance(data, str) else json.dumps(data)
    fields = [("event", name)] if name else []
    fields += [] if id is None else [("id", id)]
    fields += [("data", line) for line in text.split("\n")]
    return "".join(f"{key}: {value}\n" for key, value in fields).encode() + b"\n"


@asynccontextmanager
async def stand(routes: Sequence[SSERoute], journal: Journal) -> AsyncIterator[SSEStand]:
    """Offer a server to an app's routes and a test."""
    made = SSEStand(routes, journal)
    async with made.serving(routes):
        yield made
