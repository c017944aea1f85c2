"""App: a mutable mapping with routes, hooks and `run()`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from asyncworker import connections as offered
from asyncworker.backend import check_arguments, check_kinds, load_backend
from asyncworker.connections import Connection, Connections
from asyncworker.cron import Cron
from asyncworker.errors import BackendNotInstalled, ConfigurationError
from asyncworker.grid import Grid
from asyncworker.lifecycle import Lifecycle
from asyncworker.route_types import RouteType, RouteTypes
from asyncworker.routes import Route, RouteName, check_handler, check_hook, check_names
from asyncworker.runner import LEFTOVER_GRACE, check_no_loop_runs, event_loop, exit_code, leave
from asyncworker.schedule import Schedule
from asyncworker.signals import stop_signals
from asyncworker.stopping import Stopping
from asyncworker.time_limit import limited

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import tzinfo

    from asyncworker.backend import Backend
    from asyncworker.http.extension import HTTP
    from asyncworker.options import HandlerOptions
    from asyncworker.schedule import Timetable

H = TypeVar("H", bound=Callable[..., Any])


class App(MutableMapping[Hashable, Any]):
    """Tie handlers to queues, streams and URLs, and run them in one process.

    It is a mapping for what handlers share: `app["redis"] = ...`, at any time.

    connections: where its routes find their work, and what it publishes to.
    host, user, password, prefetch_count: the form of async-worker 0.1, which makes one
    AMQPConnection and lets `route()` leave out `type`.

    Raises: ConfigurationError
    """

    def __init__(
        self,
        connections: Iterable[Connection] = (),
        *,
        host: str | None = None,
        user: str | None = None,
        password: str | None = None,
        prefetch_count: int | None = None,
    ) -> None:
        # pydantic takes longer than all else to be imported.
        from asyncworker.settings import Settings

        self.settings: Settings = Settings.load()
        self.routes: list[Route] = []
        self.schedules: list[Schedule] = []
        self.startup_hooks: list[Callable[[App], Any]] = []
        self.shutdown_hooks: list[Callable[[App], Any]] = []
        self.started_hooks: list[Callable[[App], Any]] = []
        self._state: dict[Hashable, Any] = {}
        self._default_type: RouteType | None = None
        self._lifecycle: Lifecycle | None = None
        self.stopping: Stopping = Stopping(lambda: self._lifecycle)
        """Whether the run is to end, for handlers that would go on for as long as it lasts."""
        legacy: dict[str, Any] = {
            "host": host,
            "user": user,
            "password": password,
            "prefetch_count": prefetch_count,
        }
        options = {name: value for name, value in legacy.items() if value is not None}
        if options:
            self._default_type = RouteTypes.AMQP_RABBITMQ
            connections = (*connections, offered.AMQPConnection(**options))
        self.connections: Connections = Connections(connections)
        for connection in reversed(self.connections.all):
            self._state[connection.route_type] = {"connection": connection}
            if connection.state_key is not None:
                self._state[connection.state_key] = connection

    def route(
        self,
        routes: Iterable[RouteName],
        type: RouteType | None = None,
        options: Mapping[Any, Any] | HandlerOptions | None = None,
        **backend_arguments: Any,
    ) -> Callable[[H], H]:
        """Tie the decorated handler to routes, and return it as it is.

        routes: names, or objects that the backend takes in their place, as RabbitMQ's `Queue`.
        type: which backend serves them. options: keyed by `Options` and `Events`.
        backend_arguments: what else the backend takes, as `connection`, `vhost` and `methods`.

        Raises: ConfigurationError
        """
        names = check_names(routes)

        def decorate(handler: H) -> H:
            self._check_not_running("routes")
            backend = self._backend(type)
            check_kinds(backend, names)
            check_handler(handler)
            check_arguments(backend, backend_arguments)
            route = backend.route(self, names, handler, options, **backend_arguments)
            if route.options.timeout is not None:
                route = replace(route, handler=limited(route.handler, route.options.timeout))
            self.routes.append(route)
            return handler

        return decorate

    def run_every(
        self,
        seconds: float,
        options: Mapping[Any, Any] | HandlerOptions | None = None,
        *,
        first: float = 0,
    ) -> Callable[[H], H]:
        """Run the decorated handler every so many seconds, and return it as it is.

        The handler takes the app, or nothing.

        seconds: from one run to the next. first: seconds from the start to the first run.
        options: `Options.MAX_CONCURRENCY`, 1 when left out, and `Options.TIMEOUT`.

        Raises: ConfigurationError
        """
        return self._schedule(Grid(seconds, first), options)

    def run_at(
        self,
        cron: str,
        options: Mapping[Any, Any] | HandlerOptions | None = None,
        *,
        timezone: str | tzinfo = "UTC",
    ) -> Callable[[H], H]:
        """Run the decorated handler when a cron expression matches, else as `run_every()` does.

        It needs `asyncworker-core[cron]`.

        cron: minute, hour, day of month, month, day of week, as `"30 2 * * MON-FRI"`.
        options: those of `run_every()`. timezone: a name, as `"America/Sao_Paulo"`, or a tzinfo.

        Raises: ConfigurationError
        """
        return self._schedule(Cron.parse(cron, timezone), options)

    def run_on_startup(self, hook: H) -> H:
        """Call `hook(app)` before anything is consumed, in the order declared; return the hook."""
        return self._add_hook(self.startup_hooks, hook)

    def run_on_shutdown(self, hook: H) -> H:
        """Call `hook(app)` when all is drained, the last declared first; return the hook."""
        return self._add_hook(self.shutdown_hooks, hook)

    def run(self) -> None:
        """Run on an event loop of its own until SIGINT, SIGTERM or `shutdown()`.

        The first signal drains within `ASYNCWORKER_SHUTDOWN_TIMEOUT`, a second one cancels.
        Raises: SystemExit(1), when it did not start or did not end cleanly; the log says why.
        """
        check_no_loop_runs()
        with self._run() as lifecycle:
            with lifecycle.watchdog.watching(), event_loop(self.settings.loop) as loop:
                code = exit_code(loop, lifecycle.serve())
                lifecycle.watchdog.allow(2 * LEFTOVER_GRACE)
            leave(code, lifecycle)

    async def serve(self) -> None:
        """Run on the loop that runs already, signals included, until a signal or `shutdown()`.

        Raises: HookFailed, DrainTimeout, and whatever keeps a backend from serving.
        """
        with self._run() as lifecycle:
            await lifecycle.serve()

    @asynccontextmanager
    async def started(self) -> AsyncIterator[App]:
        """Run while the context lasts, inside a program that minds its signals and logs itself."""
        with self._owned_lifecycle() as lifecycle:
            async with lifecycle.running():
                yield self

    def shutdown(self) -> None:
        """Drain and end the run, from any thread; return at once."""
        lifecycle = self._lifecycle
        if lifecycle is not None:
            lifecycle.stop()

    @property
    def problems(self) -> list[str]:
        """Return what keeps routes from working now, a line each; empty when all is well."""
        return [
            f"{subject}: {reason}"
            for connection in self.connections.all
            for subject, reason in connection.problems.items()
        ]

    @contextmanager
    def _run(self) -> Iterator[Lifecycle]:
        """Mind signals and logs for one run."""
        from asyncworker.logs import json_logging

        noisy = {name for connection in self.connections.all for name in connection.noisy_loggers}
        with (
            self._owned_lifecycle() as lifecycle,
            stop_signals(lifecycle.on_signal),
            json_logging(self.settings.loglevel, quiet=tuple(noisy)),
        ):
            yield lifecycle

    @contextmanager
    def _owned_lifecycle(self) -> Iterator[Lifecycle]:
        if self._lifecycle is not None:
            raise ConfigurationError("the app runs already")
        self._lifecycle = Lifecycle(self)
        try:
            yield self._lifecycle
        finally:
            self._lifecycle = None

    def _schedule(
        self, timetable: Timetable, options: Mapping[Any, Any] | HandlerOptions | None
    ) -> Callable[[H], H]:
        def decorate(handler: H) -> H:
            self._check_not_running("schedules")
            self.schedules.append(Schedule.make(timetable, handler, options))
            return handler

        return decorate

    def _add_hook(self, hooks: list[Callable[[App], Any]], hook: H) -> H:
        self._check_not_running("hooks")
        check_hook(hook, "the app")
        hooks.append(hook)
        return hook

    def _backend(self, route_type: RouteType | None) -> Backend:
        route_type = self._default_type if route_type is None else route_type
        if route_type is None:
            choices = ", ".join(map(repr, RouteTypes))
            raise ConfigurationError(f"app.route() needs type=, one of {choices}")
        return load_backend(RouteTypes(route_type))

    def _extension(self, name: str) -> Any:
        if name not in RouteTypes:
            return None
        try:
            backend = load_backend(RouteTypes(name))
        except BackendNotInstalled as error:
            raise AttributeError(str(error)) from None
        extend = getattr(backend, "extend", None)
        return None if extend is None else extend(self)

    def _check_not_running(self, what: str) -> None:
        if self._lifecycle is not None:
            raise ConfigurationError(f"the app runs already: declare {what} before app.run()")

    def __getitem__(self, key: Hashable) -> Any:
        return self._state[key]

    def __setitem__(self, key: Hashable, value: Any) -> None:
        self._state[key] = value

    def __delitem__(self, key: Hashable) -> None:
        del self._state[key]

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._state)

    def __len__(self) -> int:
        return len(self._state)

    # Type checkers know what this project's own backends add, and catch a misspelt attribute.
    if TYPE_CHECKING:
        http: HTTP
    else:

        def __getattr__(self, name: str) -> Any:
            """Return what an installed backend adds to every app, as `app.http`."""
            extension = None if name.startswith("_") else self._extension(name)
            if extension is None:
                reason = f"{type(self).__name__!r} object has no attribute {name!r}"
                raise AttributeError(reason)
            setattr(self, name, extension)
            return extension

    # An App is itself and nothing else, whatever it holds.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<App: {len(self.routes)} routes, {len(self.connections.all)} connections>"
