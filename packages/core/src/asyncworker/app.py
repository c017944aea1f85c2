"""App: a mutable mapping with routes, hooks and `run()`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

from asyncworker import connections as offered
from asyncworker.backend import check_arguments, check_kinds, load_backend
from asyncworker.blueprint import Blueprint, checked_blueprint, checked_prefix
from asyncworker.call import Call
from asyncworker.connections import Connection, Connections
from asyncworker.errors import BackendNotInstalled, ConfigurationError, ResourceNotOpen
from asyncworker.feed import Feed
from asyncworker.handling.time_limit import limited
from asyncworker.middleware.checks import (
    Middleware,
    check_error_hook,
    check_middleware,
    check_middlewares,
)
from asyncworker.middleware.error_hook import ErrorHook
from asyncworker.once.claim import claim_of
from asyncworker.once.once import checked_once
from asyncworker.parameters.shared import given_app
from asyncworker.parameters.signature import shown
from asyncworker.pausing.circuits import circuits_of
from asyncworker.problems import problems_of
from asyncworker.resources import Resource
from asyncworker.route_types import RouteType, RouteTypes
from asyncworker.routes import Route, RouteName, check_handler, check_hook, check_names, streams
from asyncworker.running.heap import settled_heap
from asyncworker.running.lifecycle import Lifecycle
from asyncworker.running.runner import (
    LEFTOVER_GRACE,
    check_no_loop_runs,
    event_loop,
    exit_code,
    leave,
)
from asyncworker.running.signals import stop_signals
from asyncworker.schedules.cron import Cron
from asyncworker.schedules.interval import Interval
from asyncworker.schedules.schedule import Schedule
from asyncworker.stopping import Stopping
from asyncworker.threads.plain_functions import PlainFunctions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import tzinfo

    from opentelemetry.trace import TracerProvider

    from asyncworker.http.extension import HTTP
    from asyncworker.once.once import Once
    from asyncworker.options import HandlerOptions
    from asyncworker.processes.siblings import Siblings
    from asyncworker.schedules.schedule import Timetable
    from asyncworker.tracing.tracing import Tracing

H = TypeVar("H", bound=Callable[..., Any])
M = TypeVar("M", bound=Middleware)
E = TypeVar("E", bound=Callable[[Any, Call], Any])
T = TypeVar("T")


class App(MutableMapping[Hashable, Any]):
    """Tie handlers to queues, streams and URLs, and run them in one process.

    It is a mapping for what handlers share: `app["redis"] = ...`, at any time. Handlers, schedules
    and hooks are `async def` functions, or plain ones, which run in threads.

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
        self.resources: dict[Hashable, Resource] = {}
        self.blueprints: list[Blueprint] = []
        self.startup_hooks: list[Callable[[App], Any]] = []
        self.shutdown_hooks: list[Callable[[App], Any]] = []
        self.started_hooks: list[Callable[[App], Any]] = []
        self.middlewares: list[Middleware] = []
        self.error_hooks: list[ErrorHook] = []
        self._state: dict[Hashable, Any] = {}
        self._default_type: RouteType | None = None
        self._lifecycle: Lifecycle | None = None
        self._plain = PlainFunctions()
        self.feed: Feed = Feed(self._plain.awaitable)
        """What happens in its runs, for whoever wants to know."""
        self.siblings: Siblings | None = None
        """The other processes of `asyncworker run --workers`, in one of them."""
        self.tracing: Tracing | None = None
        """What makes spans of it, once `trace()` was called."""
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
        *,
        middlewares: Iterable[Middleware] = (),
        **backend_arguments: Any,
    ) -> Callable[[H], H]:
        """Tie the decorated handler to routes, and return it as it is.

        routes: names, or objects that the backend takes in their place, as RabbitMQ's `Queue`.
        type: which backend serves them. options: keyed by `Options` and `Events`. middlewares: as
        `middleware()`, around this handler alone and within those of the app.
        backend_arguments: what else the backend takes, as `connection`, `vhost` and `methods`.

        Raises: ConfigurationError
        """
        names = check_names(routes)
        around = check_middlewares(middlewares)

        def decorate(handler: H) -> H:
            self._check_not_running("routes")
            backend = load_backend(self.type_of(names, type))
            check_kinds(backend, names)
            getattr(backend, "check_handler", check_handler)(handler)
            check_arguments(backend, backend_arguments)
            called = self._plain.awaitable("handler", handler, getattr(backend, "threads", None))
            route = backend.route(self, names, called, options, **backend_arguments)
            if route.options.timeout is not None and not streams(handler):
                route = replace(route, handler=limited(route.handler, route.options.timeout))
            if around:
                route = replace(route, middlewares=around)
            # That of a third party may be of any class.
            if getattr(route, "circuit", None) is not None:
                route = replace(route, decorated=handler)
            self.routes.append(route)
            return handler

        return decorate

    def include(self, blueprint: Blueprint, prefix: str = "") -> None:
        """Declare what a blueprint does; all of it, or nothing when something of it cannot be.

        prefix: goes before that of the blueprint.
        Raises: ConfigurationError
        """
        self._check_not_running("blueprints")
        kept = [(declared, list(declared)) for declared in self._declared]
        resources = dict(self.resources)
        try:
            checked_blueprint(blueprint).declare(self, checked_prefix(prefix))
        except BaseException:
            for declared, before in kept:
                declared[:] = before
            self.resources = resources
            raise

    def run_every(
        self,
        seconds: float,
        options: Mapping[Any, Any] | HandlerOptions | None = None,
        *,
        first: float = 0,
        once: bool | str | Once = False,
        middlewares: Iterable[Middleware] = (),
    ) -> Callable[[H], H]:
        """Run the decorated handler every so many seconds, and return it as it is.

        The handler takes the app, or nothing.

        seconds: from one run to the next. first: seconds from the start to the first run.
        options: `Options.MAX_CONCURRENCY`, 1 when left out, and `Options.TIMEOUT`.
        once: True has one process among all run it, the one that holds a lock on a connection of
        the app; the name of that lock, or a `Once`, says more.
        middlewares: those of `route()`.

        Raises: ConfigurationError
        """
        return self._schedule(Interval(seconds, first), options, middlewares, once)

    def run_at(
        self,
        cron: str,
        options: Mapping[Any, Any] | HandlerOptions | None = None,
        *,
        timezone: str | tzinfo = "UTC",
        once: bool | str | Once = False,
        middlewares: Iterable[Middleware] = (),
    ) -> Callable[[H], H]:
        """Run the decorated handler when a cron expression matches, else as `run_every()` does.

        It needs `asyncworker-core[cron]`.

        cron: minute, hour, day of month, month, day of week, as `"30 2 * * MON-FRI"`.
        options: those of `run_every()`. timezone: a name, as `"America/Sao_Paulo"`, or a tzinfo.
        once: that of `run_every()`. middlewares: those of `route()`.

        Raises: ConfigurationError
        """
        return self._schedule(Cron.parse(cron, timezone), options, middlewares, once)

    def run_on_startup(self, hook: H) -> H:
        """Call `hook(app)` before anything is consumed, in the order declared; return the hook."""
        return self._add_hook(self.startup_hooks, hook)

    def run_on_shutdown(self, hook: H) -> H:
        """Call `hook(app)` when all is drained, the last declared first; return the hook."""
        return self._add_hook(self.shutdown_hooks, hook)

    def middleware(self, middleware: M) -> M:
        """Have `middleware(call, call_next)` run around each call of a handler, and return it.

        `await call_next()` goes on, with the next middleware or the handler, and returns what the
        handler returned; without it the handler is skipped. What a middleware returns takes the
        place of that, unless it is None; what it raises counts as raised by the handler. The first
        declared is the outermost. It is around routes of all types and schedules, also those
        declared before it.

        Raises: ConfigurationError
        """
        self._check_not_running("middlewares")
        check_middleware(middleware)
        self.middlewares.append(middleware)
        return middleware

    def on_error(self, hook: E) -> E:
        """Call `hook(error, call)` with whatever a handler or a middleware raises, and return it.

        Before messages are settled and requests answered, for 5 seconds at the most. It is not
        called for what aiohttp answers by itself (`web.HTTPException`), nor for a cancelled call.

        Raises: ConfigurationError
        """
        self._check_not_running("error hooks")
        check_error_hook(hook)
        self.error_hooks.append(ErrorHook(self._plain.awaitable("error hook", hook)))
        return hook

    def trace(self, provider: TracerProvider | None = None) -> None:
        """Have a span made of each batch, request, run of a schedule and publishing, from now on.

        Contexts go from requests to what is published, and from messages to what handles them. It
        needs `asyncworker-core[otel]`, and an SDK of OpenTelemetry for anything to come of it.

        provider: what makes the spans; that of the process when left out.

        Raises: ConfigurationError
        """
        self._check_not_running("traces")
        try:
            from asyncworker.tracing.tracing import Tracing
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != "opentelemetry":
                raise
            raise ConfigurationError(
                "trace() needs opentelemetry-api: pip install 'asyncworker-core[otel]'"
            ) from None
        self.tracing = Tracing(provider)

    def resource(self, function: H) -> H:
        """Open what an async generator function yields before the startup hooks; return it.

        It takes the app, or resources declared before, by their types, and yields once; its return
        annotation, as `AsyncIterator[Database]`, names the type by which handlers, hooks, schedules
        and `app[Database]` have it. What follows the yield runs after the shutdown hooks, whatever
        failed, the last opened first.

        Raises: ConfigurationError
        """
        self._check_not_running("resources")
        made = Resource.made_by(function, self)
        if (other := self.resources.get(made.type)) is not None:
            raise ConfigurationError(
                f"resource {made.name}: {other.name} provides {shown(made.type)} already"
            )
        self.resources[made.type] = made
        return function

    def run(self) -> None:
        """Run on an event loop of its own until SIGINT, SIGTERM or `shutdown()`.

        The first signal drains within `ASYNCWORKER_SHUTDOWN_TIMEOUT`, a second one cancels.
        Raises: SystemExit(1), when it did not start or did not end cleanly; the log says why.
        """
        check_no_loop_runs()
        with self._run() as lifecycle, settled_heap():
            with lifecycle.watchdog.watching(), event_loop(self.settings.loop) as loop:
                code = exit_code(loop, lifecycle.serve())
                lifecycle.watchdog.allow(2 * LEFTOVER_GRACE)
            leave(code, lifecycle.drain_end)

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

    def pause(self, handler: Callable[..., Any]) -> None:
        """Have the routes of a handler take nothing until `resume()`; from any thread.

        What the handler is at goes on, and what it was not given yet goes back.

        handler: what was decorated.
        Raises: ConfigurationError, when it has no route that can be paused.
        """
        for circuit in circuits_of(handler, self.routes):
            circuit.pause()

    def resume(self, handler: Callable[..., Any]) -> None:
        """Have the routes of a handler go on at once, whatever they were paused for.

        Raises: ConfigurationError, when it has no route that can be paused.
        """
        for circuit in circuits_of(handler, self.routes):
            circuit.resume()

    def shutdown(self) -> None:
        """Drain and end the run, from any thread; return at once."""
        lifecycle = self._lifecycle
        if lifecycle is not None:
            lifecycle.stop()

    @property
    def problems(self) -> list[str]:
        """Return what keeps routes from working now, a line each; empty when all is well."""
        found = problems_of(self.connections.all, self.routes)
        return [f"{subject}: {reason}" for subject, reason in found]

    def provider(self, annotation: Any) -> Callable[[], Any] | None:
        """Return what gives parameters of a type their value: the app, or a resource of it.

        For backends. None, when it is neither.
        """
        if isinstance(annotation, type) and issubclass(annotation, App):
            return (lambda: self) if isinstance(self, annotation) else None
        return (
            None
            if self.resource_of(annotation) is None
            else partial(self._state.__getitem__, annotation)
        )

    def resource_of(self, annotation: Any) -> Resource | None:
        """Return the resource of a type, None when there is none; for backends."""
        try:
            return self.resources.get(annotation)
        except TypeError:
            # Not every annotation can be a key.
            return None

    @contextmanager
    def _run(self) -> Iterator[Lifecycle]:
        """Mind signals and logs for one run."""
        from asyncworker.logs import json_logging

        noisy = {name for connection in self.connections.all for name in connection.noisy_loggers}
        with (
            self._owned_lifecycle() as lifecycle,
            stop_signals(lifecycle.on_signal),
            json_logging(self.settings.loglevel, tuple(noisy), self.settings.log_format),
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
            self._plain.end()

    def _schedule(
        self,
        timetable: Timetable,
        options: Mapping[Any, Any] | HandlerOptions | None,
        middlewares: Iterable[Middleware],
        once: bool | str | Once,
    ) -> Callable[[H], H]:
        around = check_middlewares(middlewares)
        checked_once(once)

        def decorate(handler: H) -> H:
            self._check_not_running("schedules")
            check_handler(handler)
            called = self._plain.awaitable("handler", handler)
            claim = claim_of(once, self.connections, handler)
            self.schedules.append(Schedule.make(self, timetable, called, options, around, claim))
            return handler

        return decorate

    def _add_hook(self, hooks: list[Callable[[App], Any]], hook: H) -> H:
        self._check_not_running("hooks")
        check_hook(hook, "the app")
        hooks.append(given_app(self, self._plain.awaitable("hook", hook)))
        return hook

    def type_of(self, routes: Iterable[RouteName], given: RouteType | None) -> RouteType:
        """Return the type of a route: what is given, or else what its routes or connections say.

        Raises: ConfigurationError, when it could be of several.
        """
        if given is not None:
            return RouteTypes(given)
        if self._default_type is not None:
            return self._default_type
        of_connections = {one.route_type for one in self.connections.all}
        for route_type in of_connections:
            classes = getattr(load_backend(route_type), "route_classes", ())
            if any(isinstance(one, classes) for one in routes):
                return route_type
        if len(of_connections) == 1:
            return of_connections.pop()
        choices = ", ".join(map(repr, RouteTypes))
        raise ConfigurationError(f"app.route() needs type=, one of {choices}")

    @property
    def _declared(self) -> list[list[Any]]:
        """Return what a blueprint may add to."""
        hooks = [self.startup_hooks, self.shutdown_hooks, self.started_hooks]
        return [self.routes, self.schedules, self.blueprints, *hooks]

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

    # A type is the key of the resource that is of it.
    @overload
    def __getitem__(self, key: type[T]) -> T: ...

    @overload
    def __getitem__(self, key: Hashable) -> Any: ...

    def __getitem__(self, key: Any) -> Any:
        if key not in self._state and key in self.resources:
            raise ResourceNotOpen(f"{shown(key)} is open only while the app runs")
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
