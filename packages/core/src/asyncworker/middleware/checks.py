"""Middlewares and error hooks, checked where they are declared."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeAlias

from asyncworker.call import Call
from asyncworker.errors import ConfigurationError
from asyncworker.routes import is_async, name_of, yields
from asyncworker.signatures import signature_of

Middleware: TypeAlias = Callable[[Call, Callable[[], Awaitable[Any]]], Awaitable[Any]]

ARGUMENTS: Final = {"middleware": "(call, call_next)", "error hook": "(error, call)"}
"""What each is called with."""


def check_middlewares(middlewares: Iterable[Middleware]) -> tuple[Middleware, ...]:
    """Return the middlewares of a route as a tuple.

    Raises: ConfigurationError, unless they are a list of middlewares.
    """
    if callable(middlewares):
        name = name_of(middlewares)
        raise ConfigurationError(f"middlewares must be a list: write [{name}], not {name}")
    if not isinstance(middlewares, Iterable):
        raise ConfigurationError(f"middlewares must be a list of functions, got {middlewares!r}")
    given = tuple(middlewares)
    for one in given:
        check_middleware(one)
    return given


def check_middleware(middleware: Any) -> None:
    """Accept an `async def` function that takes the call and `call_next`.

    Raises: ConfigurationError
    """
    _check_callable("middleware", middleware)
    if not is_async(middleware):
        hint = (
            "create an instance of it"
            if inspect.isclass(middleware)
            else "define it with async def"
        )
        raise ConfigurationError(f"middleware {name_of(middleware)} is not async: {hint}")
    _check_arguments("middleware", middleware)


def check_error_hook(hook: object) -> None:
    """Accept a function that takes the error and the call.

    Raises: ConfigurationError
    """
    _check_callable("error hook", hook)
    _check_arguments("error hook", hook)


def _check_callable(what: str, given: Any) -> None:
    arguments = ARGUMENTS[what]
    if not callable(given):
        article = "an" if what[0] in "aeiou" else "a"
        raise ConfigurationError(
            f"{article} {what} must be a function that takes {arguments}, got {given!r}"
        )
    if yields(given):
        raise ConfigurationError(f"{what} {name_of(given)} yields, and would never run")


def _check_arguments(what: str, given: Any) -> None:
    arguments = ARGUMENTS[what]
    try:
        signature_of(given).bind(None, None)
    except ValueError:
        # Some built-in functions have no signature to look at.
        return
    except TypeError as error:
        raise ConfigurationError(
            f"{what} {name_of(given)} cannot be called with {arguments}: {error}"
        ) from None
