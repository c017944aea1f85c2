"""What a handler's parameters are, with their annotations evaluated."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, get_type_hints

from asyncworker.errors import ConfigurationError
from asyncworker.routes import name_of
from asyncworker.signatures import signature_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from inspect import Parameter
    from types import FrameType

    from asyncworker.routes import Handler

VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def parameters_of(handler: Handler) -> list[Parameter]:
    """Return the parameters that a request may fill.

    Left out are `*args`, `**kwargs`, and what a `functools.partial` holds already: a client must
    not be able to replace it.
    Raises: ConfigurationError, for an annotation that cannot be evaluated.
    """
    held = handler.keywords if isinstance(handler, partial) else {}
    parameters = [
        parameter
        for parameter in signature_of(handler).parameters.values()
        if parameter.kind not in VARIABLE and parameter.name not in held
    ]
    annotations = _evaluated(handler, parameters)
    return [
        parameter.replace(annotation=annotations.get(parameter.name, parameter.empty))
        for parameter in parameters
    ]


def _evaluated(handler: Handler, parameters: list[Parameter]) -> dict[str, Any]:
    def carrier() -> None: ...

    # Only these are evaluated: what a handler returns may be a name for type checkers alone.
    carrier.__annotations__ = {
        parameter.name: parameter.annotation
        for parameter in parameters
        if parameter.annotation is not parameter.empty
    }
    try:
        return get_type_hints(
            carrier, globals_of(handler), dict(_callers_locals()), include_extras=True
        )
    except (NameError, TypeError, SyntaxError, AttributeError) as error:
        raise ConfigurationError(
            f"handler {name_of(handler)}: an annotation cannot be evaluated: {error}; "
            "it must be importable when the route is declared"
        ) from None


def globals_of(handler: Any) -> dict[str, Any]:
    """Return the names that a handler's module knows."""
    function = inspect.unwrap(handler)
    while isinstance(function, partial):
        function = inspect.unwrap(function.func)
    if not hasattr(function, "__globals__"):
        function = inspect.unwrap(type(function).__call__)
    found: dict[str, Any] = getattr(function, "__globals__", {})
    return found


def _callers_locals() -> Mapping[str, Any]:
    """Return the local names where the route is declared: its annotations may be among them."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None and _is_own(frame):
        frame = frame.f_back
    return frame.f_locals if frame is not None else {}


def _is_own(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return name == "asyncworker" or name.startswith("asyncworker.")
