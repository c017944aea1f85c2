"""What an app offers as `app.http`."""

from __future__ import annotations

import inspect
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from asyncworker.errors import ConfigurationError, HookFailed
from asyncworker.handling.redaction import brief
from asyncworker.http.errors import NotServing
from asyncworker.http.methods import Methods
from asyncworker.http.path import same_requests
from asyncworker.http.recorded import recorded
from asyncworker.http.serving.server import Server
from asyncworker.http.settings import Settings
from asyncworker.routes import check_hook, check_takes, name_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from yarl import URL

    from asyncworker.app import App
    from asyncworker.feed import Activity
    from asyncworker.http.endpoint import Endpoint, Expect
    from asyncworker.http.route import HTTPRoute

H = TypeVar("H", bound="Callable[..., Any]")


class HTTP(Methods):
    """Declare the routes of an app, extend its web.Application, and tell where it listens.

    Raises: ConfigurationError
    """

    def __init__(self, app: App) -> None:
        super().__init__(app.route)
        self._feed = app.feed
        self.settings: Settings = Settings.load()
        self._hooks: list[Callable[[web.Application], Any]] = []
        self._url: URL | None = None
        self._server: Server | None = None

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
    def descriptors(self) -> list[int]:
        """Return those of the sockets that the server listens on, none when it does not run."""
        return [] if self._server is None else self._server.descriptors

    @asynccontextmanager
    async def serving(self, routes: Sequence[HTTPRoute]) -> AsyncIterator[None]:
        """Serve routes while the context lasts.

        Raises: CannotListen, HookFailed
        """
        application = web.Application(client_max_size=self.settings.body_limit)
        activities = [
            self._feed.activity("http", route.handler_name, _sources(route)) for route in routes
        ]
        _add(application, routes, activities)
        for hook in self._hooks:
            await _call(hook, application)
        self._server = Server(application, self.settings)
        async with AsyncExitStack() as stack:
            for activity in activities:
                await stack.enter_async_context(activity)
            self._url = await stack.enter_async_context(self._server.listening())
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

    def _bound(self) -> URL:
        if self._url is None:
            raise NotServing("the app serves no HTTP now: ask while it runs, routes included")
        return self._url


def _sources(route: HTTPRoute) -> list[str]:
    return [f"{method} {path}" for method, path in route.begins]


def _add(
    application: web.Application, routes: Sequence[HTTPRoute], activities: Sequence[Activity]
) -> None:
    """Add all endpoints, those of one path together; HEAD goes to GET's where it has no own."""
    by_path: dict[str, dict[str, tuple[Endpoint, Expect | None]]] = {}
    own_heads: set[str] = set()
    for route, activity in zip(routes, activities, strict=True):
        for (method, path), endpoint in route.endpoints.items():
            if activity.recording is not None:
                source = f"{method} {path}"
                endpoint = recorded(endpoint, activity, activity.recording, source)
            expect = route.expects.get((method, path))
            by_path.setdefault(path, {})[method] = endpoint, expect
            if method == "HEAD":
                own_heads.add(same_requests(path))
    for path, endpoints in by_path.items():
        resource = application.router.add_resource(path)
        if "GET" in endpoints and same_requests(path) not in own_heads:
            resource.add_route("HEAD", endpoints["GET"][0])
        for method, (endpoint, expect) in endpoints.items():
            resource.add_route(method, endpoint, expect_handler=expect)


async def _call(hook: Callable[[web.Application], Any], application: web.Application) -> None:
    try:
        result = hook(application)
        if inspect.isawaitable(result):
            await result
    except Exception as error:
        # Users' code may raise anything.
        raise HookFailed(f"configure hook {name_of(hook)} raised {brief(error)}") from error
