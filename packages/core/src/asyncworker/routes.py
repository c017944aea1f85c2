"""What ties a handler to the names it serves."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias, TypeVar

from asyncworker.errors import ConfigurationError
from asyncworker.operation import Operation
from asyncworker.signatures import signature_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncworker.options import HandlerOptions
    from asyncworker.pausing.circuit import Circuit
    from asyncworker.route_types import RouteType

__all__ = ["Handler", "Named", "Route", "RouteName", "check_takes"]

F = TypeVar("F", bound=Callable[..., Any])
Handler: TypeAlias = Callable[..., Awaitable[Any]]


class Named(Protocol):
    """Be a route that is more than its name, as the queue that a backend declares."""

    @property
    def name(self) -> str:
        """Return the name, which stands for the route wherever a name is enough."""
        ...


RouteName: TypeAlias = str | Named


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Hold one handler with the names (queues, paths) it serves; a backend may extend it.

    handler: what a backend calls. In `app.routes` it minds the `timeout` of the options by itself.
    middlewares: those of this route alone, the first outermost. What a backend serves has none, as
    they are around its handler by then.
    decorated: what users know it by. circuit: has it take nothing for a while;
    None where it cannot be paused.
    tell: is told of an error that comes when the handler has returned, with what that was called
    with; None where nobody wants to know.
    """

    type: RouteType
    routes: tuple[str, ...]
    handler: Handler
    options: HandlerOptions
    middlewares: tuple[Callable[..., Awaitable[Any]], ...] = field(default=(), repr=False)
    tell: Callable[..., Awaitable[None]] | None = field(default=None, repr=False)
    decorated: Callable[..., Any] | None = field(default=None, repr=False)
    circuit: Circuit | None = field(default=None, repr=False, compare=False)

    @property
    def handler_name(self) -> str:
        """Return the handler's name as logs show it."""
        return name_of(self.handler)

    def around(self, wrap: Callable[[Handler], Handler]) -> Self:
        """Return the route with what `wrap` makes of its handler, which takes a batch.

        It is called when a run starts, with all middlewares in `middlewares`, the app's too.
        """
        return replace(self, handler=wrap(self.handler))

    def described(self, *arguments: Any) -> Mapping[str, Any]:
        """Return what a `Call` has of the arguments of what was wrapped."""
        [batch] = arguments
        return {"items": tuple(batch)}

    def is_answer(self, error: BaseException, *arguments: Any) -> bool:
        """Tell whether what was raised is no failure, but an answer to a client."""
        return False

    def operation(self, *arguments: Any) -> Operation:
        """Return what a span tells of the arguments of what was wrapped."""
        return Operation(f"process {self.handler_name}", "CONSUMER", {})


def name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function, or of the class of a callable object."""
    while isinstance(function, partial):
        function = function.func
    return getattr(function, "__qualname__", type(function).__qualname__)


def standing_for(handler: Callable[..., Any]) -> Callable[[F], F]:
    """Give a function the name and the signature of the handler that it calls."""

    def named(function: F) -> F:
        wraps(handler, updated=())(function)
        function.__qualname__ = name_of(handler)
        return function

    return named


def check_names(routes: object) -> tuple[RouteName, ...]:
    """Return the routes as a tuple of names, and of objects that have a name.

    Raises: ConfigurationError, unless they are a list of different, non-empty names.
    """
    if isinstance(routes, str):
        raise ConfigurationError(f"routes must be a list: write [{routes!r}], not {routes!r}")
    if inspect.isroutine(routes):
        reason = f"write @app.route([...], type=...) on {name_of(routes)}"
        raise ConfigurationError(f"routes are missing: {reason}")
    if not isinstance(routes, Iterable):
        raise ConfigurationError(f"routes must be a list of names, got {routes!r}")
    given = tuple(routes)
    if not given:
        raise ConfigurationError("routes is empty: name at least one")
    names = [one if isinstance(one, str) else getattr(one, "name", None) for one in given]
    for name, one in zip(names, given, strict=True):
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"each of routes must be a non-empty string, got {one!r}")
        if names.count(name) > 1:
            raise ConfigurationError(f"{name!r} is in routes twice: name it once")
    return given


def check_handler(handler: object) -> None:
    """Accept a function, async or plain, or an object with such a `__call__`.

    Raises: ConfigurationError
    """
    function = _unwrapped(handler)
    if not callable(function):
        raise ConfigurationError(f"a handler must be a function, got {function!r}")
    if inspect.isclass(function):
        reason = "create an instance of it"
    elif yields(function):
        reason = "it yields, which a handler must not"
    else:
        return
    raise ConfigurationError(f"handler {name_of(function)} is not async: {reason}")


def is_async(function: object) -> bool:
    """Tell an `async def` function, or an object with an async `__call__`, from all else."""
    function = _unwrapped(function)
    if inspect.iscoroutinefunction(function):
        return True
    return not inspect.isclass(function) and inspect.iscoroutinefunction(type(function).__call__)


def yields(function: object) -> bool:
    """Tell a function, or an object with a `__call__`, that makes a generator."""
    function = _unwrapped(function)
    kinds = (inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    return any(kind(function) or kind(type(function).__call__) for kind in kinds)


def streams(function: object) -> bool:
    """Tell an async generator function, which only some backends take."""
    function = _unwrapped(function)
    if inspect.isasyncgenfunction(function):
        return True
    return not inspect.isclass(function) and inspect.isasyncgenfunction(type(function).__call__)


def _unwrapped(function: object) -> Any:
    while isinstance(function, partial):
        function = function.func
    return function


def check_hook(hook: object, parameter: str) -> None:
    """Accept a function that yields nothing.

    parameter: what it takes, for the error message.
    Raises: ConfigurationError
    """
    if not callable(hook):
        raise ConfigurationError(f"a hook must be a function that takes {parameter}, got {hook!r}")
    if yields(hook):
        raise ConfigurationError(
            f"hook {name_of(hook)} yields, and would never run: "
            "make one hook of what is before the yield, and another of what is behind it"
        )


def check_takes(handler: Handler, parameter: str) -> None:
    """Accept a handler that can be called with one argument.

    parameter: what that argument is, for the error message.
    Raises: ConfigurationError
    """
    try:
        signature = signature_of(handler)
    except ValueError:
        # Some built-in functions have none to look at.
        return
    try:
        signature.bind(parameter)
    except TypeError as error:
        name = name_of(handler)
        raise ConfigurationError(
            f"handler {name} cannot be called with {parameter} alone: {error}"
        ) from None
