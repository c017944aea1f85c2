"""What ties a handler to the names it serves."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from asyncworker.errors import ConfigurationError
from asyncworker.signatures import signature_of

if TYPE_CHECKING:
    from asyncworker.options import HandlerOptions
    from asyncworker.route_types import RouteType

__all__ = ["Handler", "Named", "Route", "RouteName", "check_takes"]

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
    """

    type: RouteType
    routes: tuple[str, ...]
    handler: Handler
    options: HandlerOptions

    @property
    def handler_name(self) -> str:
        """Return the handler's name as logs show it."""
        return name_of(self.handler)


def name_of(function: Callable[..., Any]) -> str:
    """Return the name of a function, or of the class of a callable object."""
    while isinstance(function, partial):
        function = function.func
    return getattr(function, "__qualname__", type(function).__qualname__)


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
    """Accept an `async def` function, or an object with an async `__call__`.

    Raises: ConfigurationError
    """
    function = handler
    while isinstance(function, partial):
        function = function.func
    if inspect.iscoroutinefunction(function):
        return
    if not inspect.isclass(function) and inspect.iscoroutinefunction(type(function).__call__):
        return
    name = name_of(function) if callable(function) else repr(function)
    raise ConfigurationError(f"handler {name} is not async: {_advice(function)}")


def _advice(function: object) -> str:
    if inspect.isclass(function):
        return "create an instance of it"
    if inspect.isasyncgenfunction(function):
        return "it yields, which a handler must not"
    return "define it with async def"


def check_hook(hook: object, parameter: str) -> None:
    """Accept a function that can be called with one argument, and yields nothing.

    parameter: what that argument is, for the error message.
    Raises: ConfigurationError
    """
    if not callable(hook):
        raise ConfigurationError(f"a hook must be a function that takes {parameter}, got {hook!r}")
    if inspect.isgeneratorfunction(hook) or inspect.isasyncgenfunction(hook):
        raise ConfigurationError(
            f"hook {name_of(hook)} yields, and would never run: "
            "make one hook of what is before the yield, and another of what is behind it"
        )
    check_takes(hook, parameter)


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
