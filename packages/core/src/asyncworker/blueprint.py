"""Blueprint: the routes, schedules, hooks and resources of one part of an app, without an app."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from asyncworker.backend import load_backend
from asyncworker.errors import ConfigurationError
from asyncworker.middleware.checks import check_middleware, check_middlewares
from asyncworker.once.once import checked_once
from asyncworker.resources import check_opening
from asyncworker.route_types import RouteType, RouteTypes
from asyncworker.routes import check_handler, check_hook, check_names, name_of, streams
from asyncworker.schedules.cron import Cron
from asyncworker.schedules.interval import Interval

if TYPE_CHECKING:
    from datetime import tzinfo

    from asyncworker.app import App
    from asyncworker.connections import Connection
    from asyncworker.handler_options import HandlerOptions
    from asyncworker.http.methods import Methods
    from asyncworker.middleware.checks import Middleware
    from asyncworker.once.once import Once
    from asyncworker.routes import RouteName

    Options = Mapping[Any, Any] | HandlerOptions | None

__all__ = ["Blueprint"]

H = TypeVar("H", bound=Callable[..., Any])
M = TypeVar("M", bound="Middleware")


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Say where what a blueprint declares goes.

    prefix: of the paths of HTTP. middlewares: around its own, the first outermost.
    """

    app: App
    prefix: str = ""
    middlewares: tuple[Middleware, ...] = ()
    is_first: bool = True


class Blueprint:
    """Declare as an App does, for the apps that include it.

    What it declares takes effect, in that order, where `app.include(blueprint)` stands. Included
    again under another prefix, an app has its HTTP routes again, and nothing else twice.

    prefix: goes before the paths of its HTTP routes. connection: for its routes that name none, one
    of the apps' connections, or its name. options: those of its routes and schedules that do not
    say otherwise. middlewares: as `middleware()`.

    Raises: ConfigurationError
    """

    def __init__(
        self,
        prefix: str = "",
        connection: str | Connection | None = None,
        options: Options = None,
        *,
        middlewares: Iterable[Middleware] = (),
    ) -> None:
        self.prefix: str = checked_prefix(prefix)
        self.middlewares: list[Middleware] = list(check_middlewares(middlewares))
        self._connection = connection
        self._options = options
        self._declarations: list[Callable[[Inclusion], object]] = []
        self._included: list[Blueprint] = []

    def route(
        self,
        routes: Iterable[RouteName],
        type: RouteType | None = None,
        options: Options = None,
        *,
        middlewares: Iterable[Middleware] = (),
        **backend_arguments: Any,
    ) -> Callable[[H], H]:
        """Tie the decorated handler to routes of each app, as `App.route()` does.

        Raises: ConfigurationError
        """
        names = check_names(routes)
        own = check_middlewares(middlewares)

        def decorate(handler: H) -> H:
            # Some backends take what yields, which the include then tells.
            if not streams(handler):
                check_handler(handler)

            def declare(where: Inclusion) -> None:
                kind = where.app.type_of(names, type)
                has_prefix = kind == RouteTypes.HTTP
                if where.is_first or has_prefix:
                    where.app.route(
                        [f"{where.prefix}{name}" for name in names] if has_prefix else names,
                        type=kind,
                        options=self._with_own(options),
                        middlewares=(*where.middlewares, *own),
                        **{**self._connected(where.app, kind), **backend_arguments},
                    )(handler)

            def declare_or_tell(where: Inclusion) -> None:
                try:
                    declare(where)
                except ConfigurationError as error:
                    # The traceback shows the line of the include.
                    error.add_note(f"This is about handler {name_of(handler)} of the blueprint.")
                    raise

            self._declarations.append(declare_or_tell)
            return handler

        return decorate

    @property
    def http(self) -> Methods:
        """Declare routes of HTTP, as `app.http` does.

        Raises: BackendNotInstalled
        """
        backend: Any = load_backend(RouteTypes.HTTP)
        methods: Methods = backend.methods(self.route)
        return methods

    def run_every(
        self,
        seconds: float,
        options: Options = None,
        *,
        first: float = 0,
        once: bool | str | Once = False,
        middlewares: Iterable[Middleware] = (),
    ) -> Callable[[H], H]:
        """Run the decorated handler every so many seconds, as `App.run_every()` does."""
        # What is wrong shows here, and not where it is included.
        Interval(seconds, first)
        checked_once(once)
        return self._scheduled(
            lambda app: partial(app.run_every, seconds, first=first, once=once),
            options,
            middlewares,
        )

    def run_at(
        self,
        cron: str,
        options: Options = None,
        *,
        timezone: str | tzinfo = "UTC",
        once: bool | str | Once = False,
        middlewares: Iterable[Middleware] = (),
    ) -> Callable[[H], H]:
        """Run the decorated handler when a cron expression matches, as `App.run_at()` does."""
        Cron.parse(cron, timezone)
        checked_once(once)
        return self._scheduled(
            lambda app: partial(app.run_at, cron, timezone=timezone, once=once),
            options,
            middlewares,
        )

    def run_on_startup(self, hook: H) -> H:
        """Call `hook(app)` before anything is consumed; return the hook."""
        return self._once(lambda where: where.app.run_on_startup, _check_hook)(hook)

    def run_on_shutdown(self, hook: H) -> H:
        """Call `hook(app)` when all is drained; return the hook."""
        return self._once(lambda where: where.app.run_on_shutdown, _check_hook)(hook)

    def resource(self, function: H) -> H:
        """Open what an async generator function yields, as `App.resource()` does; return it."""
        return self._once(lambda where: where.app.resource, check_opening)(function)

    def middleware(self, middleware: M) -> M:
        """Have a middleware around all routes and schedules of this blueprint; return it.

        Raises: ConfigurationError
        """
        check_middleware(middleware)
        self.middlewares.append(middleware)
        return middleware

    def include(self, blueprint: Blueprint, prefix: str = "") -> None:
        """Declare what another blueprint does, as a part of this one.

        prefix: goes before that of the other one.
        Raises: ConfigurationError
        """
        if self in checked_blueprint(blueprint).parts:
            raise ConfigurationError("a blueprint cannot include itself")
        between = checked_prefix(prefix)
        self._included.append(blueprint)
        self._declarations.append(
            lambda where: blueprint.declare(where.app, where.prefix + between, where.middlewares)
        )

    def declare(self, app: App, prefix: str = "", middlewares: tuple[Middleware, ...] = ()) -> None:
        """Declare all of it on an app, for `App.include()`.

        prefix: goes before its own. middlewares: around its own.
        Raises: ConfigurationError
        """
        is_first = self not in app.blueprints
        app.blueprints.append(self)
        around = (*middlewares, *self.middlewares)
        where = Inclusion(app, prefix + self.prefix, around, is_first=is_first)
        for declare in self._declarations:
            declare(where)

    @property
    def parts(self) -> list[Blueprint]:
        """Return this blueprint, and all that it includes."""
        return [self, *(part for one in self._included for part in one.parts)]

    def _scheduled(
        self,
        decorator_of: Callable[[App], Callable[..., Callable[[H], H]]],
        options: Options,
        middlewares: Iterable[Middleware],
    ) -> Callable[[H], H]:
        own = check_middlewares(middlewares)

        def schedule(where: Inclusion) -> Callable[[H], H]:
            around = (*where.middlewares, *own)
            return decorator_of(where.app)(options=self._with_own(options), middlewares=around)

        return self._once(schedule, check_handler)

    def _once(
        self, decorator: Callable[[Inclusion], Callable[[H], H]], check: Callable[[object], None]
    ) -> Callable[[H], H]:
        """Return what checks and keeps a function, for each app to declare it once."""

        def decorate(function: H) -> H:
            check(function)

            def declare(where: Inclusion) -> None:
                if where.is_first:
                    decorator(where)(function)

            self._declarations.append(declare)
            return function

        return decorate

    def _with_own(self, options: Options) -> Options:
        """Return the options of a route, with those of the blueprint that it does not name."""
        if self._options is None:
            return options
        return {**_as_mapping(self._options), **_as_mapping(options)}

    def _connected(self, app: App, kind: RouteType) -> dict[str, Any]:
        """Return the connection that routes of a type have here, if it is one of theirs."""
        if self._connection is None:
            return {}
        name = self._connection
        connection = app.connections.get(name) if isinstance(name, str) else name
        if connection is None:
            choices = ", ".join(app.connections) or "none"
            raise ConfigurationError(f"the app has no connection {name!r}: its names are {choices}")
        return {"connection": connection} if connection.route_type == kind else {}


def checked_blueprint(blueprint: object) -> Blueprint:
    """Return a blueprint.

    Raises: ConfigurationError, for anything else
    """
    if not isinstance(blueprint, Blueprint):
        raise ConfigurationError(f"include() takes a Blueprint, got {blueprint!r}")
    return blueprint


def checked_prefix(prefix: object) -> str:
    """Return what goes before a path, or nothing.

    Raises: ConfigurationError
    """
    if not isinstance(prefix, str) or (prefix and (prefix[0] != "/" or prefix[-1] == "/")):
        raise ConfigurationError(
            f"a prefix begins with / and does not end with it, as '/v1': got {prefix!r}"
        )
    return prefix


def _check_hook(hook: object) -> None:
    check_hook(hook, "the app")


def _as_mapping(options: Options) -> dict[str, Any]:
    if options is None:
        return {}
    if isinstance(options, Mapping):
        return {str(key): value for key, value in options.items()}
    return options.given
