"""What core loads: Server-Sent Events as a backend."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from asyncworker.errors import ConfigurationError
from asyncworker.once.claim import claim_of
from asyncworker.parameters.batches import Batches, plan
from asyncworker.route_types import RouteTypes
from asyncworker.sse.address import shown
from asyncworker.sse.connection import SSEConnection
from asyncworker.sse.consumer import Consumer
from asyncworker.sse.endpoint import asked_once
from asyncworker.sse.errors import StreamError, StreamOver
from asyncworker.sse.event import SSEEvent
from asyncworker.sse.route import SSEOptions, SSERoute, make_route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from inspect import Parameter

    from asyncworker.app import App
    from asyncworker.connections import Connection
    from asyncworker.cursors.cursor import Cursor
    from asyncworker.description import Description
    from asyncworker.once.once import Once
    from asyncworker.options import RouteOptions
    from asyncworker.parameters.markers import Marker
    from asyncworker.routes import Handler
    from asyncworker.sse.endpoint import Endpoint
    from asyncworker.sse.headers import Headers
    from asyncworker.sse.testing import SSEStand
    from asyncworker.testing import Journal


class SSEBackend:
    """Read the streams of SSE routes: one client for each path, one consumer for each route."""

    route_type = RouteTypes.SSE

    def route(
        self,
        app: App,
        routes: tuple[str, ...],
        handler: Handler,
        options: Mapping[Any, Any] | RouteOptions | None,
        *,
        connection: str | Connection | None = None,
        headers: Headers | None = None,
        cursor: Cursor | None = None,
        once: bool | str | Once = False,
    ) -> SSERoute:
        """Return a route that reads these streams, checked.

        connection: the SSEConnection to read from, or its name; may be left out where there is but
        one. headers: sent with each request of this route, beside those of the connection; one of
        the same name takes its place. A function that tells them is asked at each attempt.
        cursor: what keeps the place in a stream over restarts: the id of the last event up to which
        all are handled, behind which it goes on.
        once: True has one process among all read, the one that holds a lock on a connection of the
        app that can; the name of that lock, or a `Once`, says more.
        Raises: ConfigurationError
        """
        chosen = app.connections.choose(SSEConnection, connection)
        checked = SSEOptions.parse(options)
        asked = plan(app, handler, Batches(SSEEvent, "event", checked.bulk_size, _refused))
        claim = claim_of(once, app.connections, handler)
        return make_route(routes, asked, checked, chosen, headers, cursor, claim)

    @asynccontextmanager
    async def serve(self, app: App, routes: Sequence[SSERoute]) -> AsyncIterator[None]:
        """Read while the context lasts; on exit have handled what was read."""
        async with _session() as session, asyncio.TaskGroup() as group:
            consumers = []
            for route in routes:
                interval = route.options.bulk_flush_interval or app.settings.flush_timeout
                consumers.append(Consumer(route, session, interval, app.feed))
            for consumer in consumers:
                group.create_task(consumer.run())
            try:
                yield
            finally:
                for consumer in consumers:
                    consumer.stop()

    def describe(self, app: App, routes: Sequence[SSERoute]) -> Description:
        """Return what is received by the streams of routes."""
        from asyncworker.sse.describing import described

        return described(app.connections.all, routes)

    def testing(
        self, app: App, routes: Sequence[SSERoute], journal: Journal
    ) -> AbstractAsyncContextManager[SSEStand]:
        """Offer a scripted server for a test."""
        from asyncworker.sse.testing import stand

        return stand(routes, journal)

    async def check(self, app: App, routes: Sequence[SSERoute]) -> list[str]:
        """Return which streams are not there; each is asked for, and left at once."""
        endpoints = [endpoint for route in routes for endpoint in route.endpoints]
        async with _session() as session, asyncio.TaskGroup() as group:
            checks = [group.create_task(_problem_of(one, session)) for one in endpoints]
        return [problem for check in checks if (problem := check.result()) is not None]


def _refused(parameter: Parameter, marker: Marker) -> NoReturn:
    kind = type(marker).__name__
    raise ConfigurationError(f"parameter {parameter.name!r}: an event has no {kind}")


async def _problem_of(endpoint: Endpoint, session: ClientSession) -> str | None:
    try:
        async with endpoint.opened(session, ""):
            return None
    except (StreamError, StreamOver) as error:
        return f"stream {shown(endpoint.url)}: {error}"


def _session() -> ClientSession:
    # No limit, as each stream keeps its connection; no cookies, no reuse and no repetition, so that
    # each attempt is what the user configured and nothing else.
    return ClientSession(
        connector=TCPConnector(limit=0, force_close=True),
        cookie_jar=DummyCookieJar(),
        middlewares=[asked_once],
    )


backend = SSEBackend()
