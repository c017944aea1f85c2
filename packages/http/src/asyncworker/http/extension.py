"""What an app offers as `app.http`."""

from __future__ import annotations

import inspect
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from asyncworker.errors import ConfigurationError, HookFailed
from asyncworker.handling.redaction import brief
from asyncworker.http.errors import NotServing
from asyncworker.http.methods import Methods
from asyncworker.http.path import check_plain_prefix
from asyncworker.http.routing import add
from asyncworker.http.serving.server import Server
from asyncworker.http.settings import Settings
from asyncworker.routes import check_hook, check_takes, name_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from yarl import URL

    from asyncworker.app import App
    from asyncworker.feed import Activity
    from asyncworker.http.describing.served import Documents
    from asyncworker.http.monitor.server import MonitorServer
    from asyncworker.http.route import HTTPRoute

H = TypeVar("H", bound="Callable[..., Any]")

log = logging.getLogger(__name__)


class HTTP(Methods):
    """Declare the routes of an app, extend its web.Application, and tell where it listens.

    Raises: ConfigurationError
    """

    def __init__(self, app: App) -> None:
        super().__init__(app.route)
        self._app = app
        self.settings: Settings = Settings.load()
        self._hooks: list[Callable[[web.Application], Any]] = []
        self._url: URL | None = None
        self._server: Server | None = None
        self._monitor: MonitorServer | None = None
        self._documents: list[Documents] = []

    def configure(self, hook: H) -> H:
        """Call `hook(application)` with each run's web.Application before it starts; return it.

        A run has an application of its own, as aiohttp binds one to its event loop.
        """
        if self._url is not None:
            raise ConfigurationError("the app runs already: declare hooks before app.run()")
        check_hook(hook, "the web.Application")
        check_takes(hook, "the web.Application")
        self._hooks.append(hook)
        return hook

    def monitor(self, prefix: str = "/-") -> None:
        """Tell how a run goes on the app's own server too, under a prefix of paths.

        `/health/live`, `/health/ready`, `/metrics`, `/status`, `/status.json` and `/status/events`
        are what they are at `ASYNCWORKER_MONITOR_PORT`, but that the app's middlewares are around
        them, and that whoever reaches the app reaches them.

        Raises: ConfigurationError
        """
        from asyncworker.http.monitor.routes import monitor_routes

        app = self._app
        if app.feed.phase != "off":
            raise ConfigurationError("the app runs already: call monitor() before app.run()")
        app.routes += monitor_routes(app, self.settings, prefix, app.routes)
        app.feed.keep_statistics()

    def describe(
        self, prefix: str = "", *, title: str | None = None, version: str | None = None
    ) -> None:
        """Serve what `asyncworker describe` writes, under a prefix of paths.

        `/openapi.json`, `/asyncapi.json`, and `/docs`, a page for people. They are made at the
        start of a run, out of all routes but these and those of monitors.

        title: what the app is called; its module is, when left out. version: of the app; the
        `__version__` of its module or package when left out.

        Raises: ConfigurationError
        """
        from asyncworker.http.describing.served import Documents

        app = self._app
        if app.feed.phase != "off":
            raise ConfigurationError("the app runs already: call describe() before app.run()")
        check_plain_prefix(prefix, "the documents'")
        documents = Documents(app, title, version)
        app.routes += documents.routes(self.settings, prefix, app.routes)
        self._documents.append(documents)

    @property
    def url(self) -> str:
        """Return where the server listens, as `http://127.0.0.1:8080`.

        Raises: NotServing
        """
        return str(self._bound().origin())

    @property
    def port(self) -> int:
        """Return the port that the server took.

        Raises: NotServing
        """
        port = self._bound().port
        assert port is not None  # noqa: S101
        return port

    @property
    def monitor_url(self) -> str:
        """Return where the monitor of `ASYNCWORKER_MONITOR_PORT` listens.

        Raises: NotServing
        """
        if self._monitor is None or self._monitor.url is None:
            raise NotServing("no monitor runs now: set ASYNCWORKER_MONITOR_PORT before the run")
        return str(self._monitor.url.origin())

    @property
    def descriptors(self) -> list[int]:
        """Return those of the sockets that the server listens on, none when it does not run."""
        return [] if self._server is None else self._server.descriptors

    @property
    def monitor_descriptors(self) -> list[int]:
        """Return those of the sockets that the monitor of `ASYNCWORKER_MONITOR_PORT` listens on."""
        return [] if self._monitor is None else self._monitor.descriptors

    def monitoring(self) -> AbstractAsyncContextManager[None]:
        """Tell how a run goes at `ASYNCWORKER_MONITOR_PORT` while the context lasts.

        Raises: CannotListen
        """
        # Here, as most workers do without it, and it takes memory.
        from asyncworker.http.monitor.server import MonitorServer

        self._monitor = MonitorServer(self._app, self.settings)
        return self._monitor.listening()

    @asynccontextmanager
    async def serving(self, routes: Sequence[HTTPRoute]) -> AsyncIterator[None]:
        """Serve routes while the context lasts.

        Raises: CannotListen, HookFailed
        """
        for documents in self._documents:
            documents.make()
        application = web.Application(client_max_size=self.settings.body_limit)
        told = [(route, self._activity(route)) for route in routes]
        activities = [activity for _, activity in told if activity is not None]
        add(application, told)
        for hook in self._hooks:
            await _call(hook, application)
        self._server = Server(application, self.settings)
        async with AsyncExitStack() as stack:
            for activity in activities:
                await stack.enter_async_context(activity)
            self._url = await stack.enter_async_context(self._server.listening())
            log.info("listening on %s", self._url)
            for activity in activities:
                for source in activity.sources:
                    activity.works(source)
            try:
                yield
            finally:
                for activity in activities:
                    activity.drains()
                self._url = None
                self._server = None

    def _activity(self, route: HTTPRoute) -> Activity | None:
        """Return what is told of a route, if anything is."""
        if route.is_monitor:
            return None
        sources = [f"{method} {path}" for method, path in route.begins]
        return self._app.feed.activity("http", route.handler_name, sources)

    def _bound(self) -> URL:
        if self._url is None:
            raise NotServing("the app serves no HTTP now: ask while it runs, routes included")
        return self._url


async def _call(hook: Callable[[web.Application], Any], application: web.Application) -> None:
    try:
        result = hook(application)
        if inspect.isawaitable(result):
            await result
    except Exception as error:
        # Users' code may raise anything.
        raise HookFailed(f"configure hook {name_of(hook)} raised {brief(error)}") from error
