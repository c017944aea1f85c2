"""What core loads: streams of Redis as a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncworker.errors import ConfigurationError
from asyncworker.polling import serving
from asyncworker_redis.checkup import problems_of
from asyncworker_redis.connection import FAILURES, REDIS, RedisConnection
from asyncworker_redis.message import RedisMessage
from asyncworker_redis.route import RedisRoute
from asyncworker_redis.source import RedisSource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from asyncworker import App
    from asyncworker.connections import Connection
    from asyncworker.options import RouteOptions
    from asyncworker.routes import Handler
    from asyncworker.testing import Journal, PolledStand


class RedisBackend:
    """Read streams as consumers of groups, one for each route."""

    route_type = REDIS

    def route(
        self,
        app: App,
        routes: tuple[str, ...],
        handler: Handler,
        options: Mapping[Any, Any] | RouteOptions | None,
        *,
        connection: str | Connection | None = None,
        group: str = "asyncworker",
        dead: str | None = None,
    ) -> RedisRoute:
        """Return a route that reads these streams, checked.

        connection: the RedisConnection, or its name; may be left out where there is but one.
        group: that of the consumer; those of one group share the entries of a stream.
        dead: the stream that takes a copy of what is rejected; without one that is dropped.
        Raises: ConfigurationError
        """
        for argument, value in (("group", group), ("dead", dead or "none")):
            if not (isinstance(value, str) and value):
                raise ConfigurationError(f"{argument} must be a non-empty string, got {value!r}")
        chosen = app.connections.choose(RedisConnection, connection)
        return RedisRoute.declared(
            app,
            handler,
            options,
            RedisMessage,
            chosen.prefetch,
            type=REDIS,
            routes=routes,
            connection=chosen,
            opened=RedisSource,
            failures=FAILURES,
            group=group,
            dead=dead,
        )

    def serve(self, app: App, routes: Sequence[RedisRoute]) -> AbstractAsyncContextManager[None]:
        """Read and handle while the context lasts; on exit drain."""
        return serving(app, routes)

    async def check(self, app: App, routes: Sequence[RedisRoute]) -> list[str]:
        """Return which servers cannot be asked, and what is to be known of streams and groups."""
        return await problems_of(app.connections.all, routes)

    def testing(
        self, app: App, routes: Sequence[RedisRoute], journal: Journal
    ) -> AbstractAsyncContextManager[PolledStand]:
        """Offer streams in memory for a test."""
        from asyncworker.testing import polled_stand

        return polled_stand(routes, journal, shared_by=lambda route: route.group)


backend = RedisBackend()
