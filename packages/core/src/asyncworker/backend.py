"""The contract a backend fulfils, and the way core finds one."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from asyncworker.errors import BackendNotInstalled, ConfigurationError, suggestion
from asyncworker.route_types import RouteType, RouteTypes, backend_entry_points
from asyncworker.signatures import signature_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from asyncworker.app import App
    from asyncworker.description import Description
    from asyncworker.routes import Route

__all__ = [
    "Backend",
    "Backlog",
    "Checking",
    "Describing",
    "Monitoring",
    "Remark",
    "Scaling",
    "Sharing",
    "Trigger",
]

DISTRIBUTIONS: Final = {
    RouteTypes.AMQP_RABBITMQ: "asyncworker-rabbitmq",
    RouteTypes.HTTP: "asyncworker-http",
    RouteTypes.SSE: "asyncworker-sse",
}


COMMON: Final = ("middlewares", "options", "type")
"""What `app.route()` takes by keyword for every backend."""


class Backend(Protocol):
    """Serve the routes of one type.

    A distribution announces its backend by an entry point of the group `asyncworker.backends`,
    whose name is the member of `RouteTypes` and whose object fulfils this contract; and its
    connection classes by entry points of the group `asyncworker.connections`, named after them.
    It may have more: `extend(app)` returns what `app.http` is for RouteTypes.HTTP; `route_classes`
    are the classes of routes that it takes beside names, each with a `name`; `check_handler`
    takes the place of core's, for a backend whose handlers may yield; `threads` is how many calls
    of a plain function run side by side, where nothing else bounds its calls; `check`, `describe`,
    `shared`, `monitoring` and `backlogs` are those of `Checking`, `Describing`, `Sharing`,
    `Monitoring` and `Scaling`.
    """

    @property
    def route_type(self) -> RouteType:
        """Return the type of the routes it serves."""
        ...

    @property
    def route(self) -> Callable[..., Route]:
        """Return what checks and makes a route.

        It is called with the app, the routes, the handler, the options, and whatever else
        `app.route()` was given, by keyword.
        Raises: ConfigurationError, on the user's line.
        """
        ...

    def serve(self, app: App, routes: Sequence[Route]) -> AbstractAsyncContextManager[None]:
        """Take work while the context lasts.

        Leaving it stops taking, lets running handlers end, and settles. Cancelled meanwhile, it
        cancels the handlers and ends within seconds.
        """
        ...


class Remark(str):
    """Be a line of `asyncworker check` that tells of no problem, but of what one should know."""

    __slots__ = ()


@runtime_checkable
class Checking(Protocol):
    """Try what a run would need, for `asyncworker check`."""

    async def check(self, app: App, routes: Sequence[Any]) -> list[str]:
        """Return what would keep these routes from working, a line each, and `Remark`s.

        It takes no work and calls nothing of the user. Without routes it tries the connections.
        """
        ...


@runtime_checkable
class Describing(Protocol):
    """Say what routes take and give, for `asyncworker describe`."""

    def describe(self, app: App, routes: Sequence[Any]) -> Description:
        """Return what these routes take and give, in the order in which they are declared.

        It opens nothing, calls nothing of the user, and tells no login.
        """
        ...


@runtime_checkable
class Sharing(Protocol):
    """Let several processes of one app listen together, for `asyncworker run --workers`."""

    def shared(self, app: App) -> Mapping[str, Sequence[int]]:
        """Return the sockets that a running app listens on, by descriptor.

        Each list is under the variable that hands it to a further process, separated by commas.
        """
        ...


@runtime_checkable
class Monitoring(Protocol):
    """Tell how a run goes on a port of its own, for `ASYNCWORKER_MONITOR_PORT`."""

    def monitoring(self, app: App) -> AbstractAsyncContextManager[None]:
        """Tell it while the context lasts: from before anything is opened to the very end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """Say how KEDA counts what waits.

    type: which of its scalers does. metadata: what that is told, less the target, and no secret.
    target: what the metadata calls the target, which is how many may wait for each replica.
    url: what the scaler's authentication calls the URL. variable: that a worker has the URL in.
    """

    type: str
    metadata: Mapping[str, str]
    target: str
    url: str
    variable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Say where items wait for a route, and how many of them one process takes at a time.

    source: the queue, as `Feed.activity()` was told of it. batches: the most that are handled side
    by side, of all sources of the route. bulk_size: the most items of each. per_second: the most
    items of all sources that are begun with; None for any number. trigger: how they are counted;
    None where more replicas would not help, and `reason` says why.
    """

    route: Route
    source: str
    batches: int
    bulk_size: int
    per_second: float | None = None
    trigger: Trigger | None = None
    reason: str = ""


@runtime_checkable
class Scaling(Protocol):
    """Tell what waits for routes, for `asyncworker manifest --kind keda`."""

    def backlogs(self, app: App, routes: Sequence[Any]) -> Sequence[Backlog]:
        """Return one for each source of each route."""
        ...


@cache
def load_backend(route_type: RouteType) -> Backend:
    """Return the installed backend of a route type.

    Raises: BackendNotInstalled, saying what to install.
    """
    for entry_point in backend_entry_points():
        if entry_point.name == route_type.name:
            backend: Backend = entry_point.load()
            return backend
    distribution = DISTRIBUTIONS.get(route_type)
    if distribution is None:
        raise BackendNotInstalled(f"no installed distribution provides {route_type!r}")
    raise BackendNotInstalled(
        f"{route_type!r} is provided by {distribution}: pip install {distribution}"
    )


def check_kinds(backend: Backend, routes: Iterable[object]) -> None:
    """Accept names, and the objects that the backend takes in their place.

    Raises: ConfigurationError
    """
    classes = getattr(backend, "route_classes", ())
    for route in routes:
        if not isinstance(route, (str, *classes)):
            kinds = " or ".join(["a non-empty string", *(f"a {one.__name__}" for one in classes)])
            raise ConfigurationError(f"each of routes must be {kinds}, got {route!r}")


def check_arguments(backend: Backend, given: Mapping[str, Any]) -> None:
    """Accept what the backend's `route()` takes by keyword beyond what every backend takes.

    Raises: ConfigurationError
    """
    parameters = signature_of(backend.route).parameters.values()
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
        return
    taken = [one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY]
    for name in given:
        if name not in taken:
            hint = suggestion(name, [*taken, *COMMON])
            raise ConfigurationError(f"a {backend.route_type!r} route takes no {name!r}: {hint}")
