"""What core loads: HTTP as a backend."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from asyncworker.errors import ConfigurationError
from asyncworker.http.extension import HTTP
from asyncworker.http.methods import Methods
from asyncworker.http.route import HTTPRoute, make_route
from asyncworker.http.serving.server import listening_problem
from asyncworker.http.settings import PREFIX
from asyncworker.route_types import RouteTypes
from asyncworker.routes import check_handler, name_of, streams, yields
from asyncworker.running.monitoring import has_port
from asyncworker.variables import MONITOR

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from asyncworker.app import App
    from asyncworker.description import Description
    from asyncworker.http.testing import HTTPStand
    from asyncworker.options import HandlerOptions
    from asyncworker.routes import Handler


class HTTPBackend:
    """Serve the paths of HTTP routes, all by one server."""

    route_type = RouteTypes.HTTP
    threads = 40

    def route(
        self,
        app: App,
        routes: tuple[str, ...],
        handler: Handler,
        options: Mapping[Any, Any] | HandlerOptions | None,
        *,
        methods: Iterable[str] = ("GET",),
    ) -> HTTPRoute:
        """Return a route that answers these methods of these paths, checked.

        methods: which requests it answers; HEAD goes with GET.
        Raises: ConfigurationError
        """
        # Read now, so that a wrong one shows here and not when the app starts.
        settings = _extension(app).settings
        return make_route(app, routes, handler, options, methods, settings, app.routes)

    def check_handler(self, handler: object) -> None:
        """Accept what core accepts, and what yields.

        Raises: ConfigurationError
        """
        if callable(handler) and yields(handler) and not streams(handler):
            raise ConfigurationError(
                f"handler {name_of(handler)} is not async: it yields, so define it with async def"
            )
        if not streams(handler):
            check_handler(handler)

    def extend(self, app: App) -> HTTP:
        """Return what an app offers as `app.http`."""
        return HTTP(app)

    def methods(self, declare: Callable[..., Any]) -> Methods:
        """Return what a blueprint offers as `blueprint.http`.

        declare: its `route()`.
        """
        return Methods(declare)

    @asynccontextmanager
    async def serve(self, app: App, routes: Sequence[HTTPRoute]) -> AsyncIterator[None]:
        """Serve while the context lasts; on exit let running handlers end, and close."""
        async with _extension(app).serving(routes):
            yield

    def shared(self, app: App) -> Mapping[str, Sequence[int]]:
        """Return the sockets of the servers, for further processes to serve too."""
        extension = _extension(app)
        return {
            f"{PREFIX}SOCKETS": extension.descriptors,
            f"{MONITOR}SOCKETS": extension.monitor_descriptors,
        }

    def monitoring(self, app: App) -> AbstractAsyncContextManager[None]:
        """Tell how a run goes, on the monitor's port."""
        return _extension(app).monitoring()

    def testing(
        self, app: App, routes: Sequence[HTTPRoute], journal: object
    ) -> AbstractAsyncContextManager[HTTPStand]:
        """Listen on a free port for a test."""
        from asyncworker.http.testing import stand

        return stand(_extension(app), routes)

    def describe(self, app: App, routes: Sequence[HTTPRoute]) -> Description:
        """Return what is asked of routes, and answered."""
        from asyncworker.http.describing.endpoints import described

        return described(routes)

    async def check(self, app: App, routes: Sequence[HTTPRoute]) -> list[str]:
        """Return why the server, or the monitor's, could not listen, if so."""
        from asyncworker.http.monitor.server import placed

        settings = _extension(app).settings
        problems = [await listening_problem(settings)] if routes else []
        if has_port(app):
            problems.append(await listening_problem(placed(app, settings), MONITOR))
        return [problem for problem in problems if problem is not None]


def _extension(app: App) -> HTTP:
    extension: HTTP = getattr(app, RouteTypes.HTTP.value)
    return extension


backend = HTTPBackend()
