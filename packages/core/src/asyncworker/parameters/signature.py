"""What a handler's parameters are, with their annotations evaluated."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, get_type_hints

from asyncworker.errors import ConfigurationError
from asyncworker.routes import name_of
from asyncworker.signatures import signature_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from inspect import Parameter
    from types import FrameType

ANYTHING: Final[Any] = object
"""The type of what nothing is said of."""
VARIABLE: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
USUAL: Final[dict[str, Any]] = {
    "Any": Any,
    "Collection": Collection,
    "Iterable": Iterable,
    "List": list,
    "Sequence": Sequence,
    "typing": typing,
}


def parameters_of(handler: Callable[..., Any], known: Mapping[str, Any]) -> list[Parameter]:
    """Return the parameters that may be filled.

    Left out are `*args`, `**kwargs`, and what a `functools.partial` holds already: a client must
    not be able to replace it.

    known: what names mean that the handler's module may import for type checkers alone.
    Raises: ConfigurationError, for an annotation that cannot be evaluated.
    """
    # What runs in a thread is wrapped.
    own = inspect.unwrap(handler, stop=lambda one: isinstance(one, partial))
    held = own.keywords if isinstance(own, partial) else {}
    parameters = [
        parameter
        for parameter in _signature(handler).parameters.values()
        if parameter.kind not in VARIABLE and parameter.name not in held
    ]
    annotations = {
        parameter.name: parameter.annotation
        for parameter in parameters
        if parameter.annotation is not parameter.empty
    }
    # Only these are evaluated: what a handler returns may be a name for type checkers alone.
    evaluated = _evaluated(handler, annotations, known)
    return [
        parameter.replace(annotation=evaluated.get(parameter.name, parameter.empty))
        for parameter in parameters
    ]


def returned_by(function: Callable[..., Any], known: Mapping[str, Any]) -> Any:
    """Return the annotation of what a function returns; `Parameter.empty` when it has none.

    Raises: ConfigurationError, for one that cannot be evaluated.
    """
    annotation = _signature(function).return_annotation
    return _evaluated(function, {"return": annotation}, known)["return"]


def said_to_return(handler: Callable[..., Any]) -> Any:
    """Return the type of what a handler returns as it says; object, where it says nothing.

    So it does too where only a type checker can evaluate it.
    """
    try:
        found = returned_by(handler, {})
    except ConfigurationError:
        return ANYTHING
    return ANYTHING if found is inspect.Parameter.empty or found is Any else found


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return signature_of(function)
    except ValueError:
        # Some functions that are not written in Python have none to look at.
        return inspect.Signature()


def _evaluated(
    handler: Callable[..., Any], annotations: Mapping[str, Any], known: Mapping[str, Any]
) -> dict[str, Any]:
    def annotated() -> None: ...

    annotated.__annotations__ = dict(annotations)
    names = {**USUAL, **known, **globals_of(handler)}
    try:
        return get_type_hints(annotated, names, dict(_callers_locals()), include_extras=True)
    except (NameError, TypeError, SyntaxError, AttributeError) as error:
        raise ConfigurationError(
            f"{name_of(handler)}: an annotation cannot be evaluated: {error}; "
            "it must be importable when the handler is declared"
        ) from None


def shown(annotation: Any) -> str:
    """Return an annotation as its user writes it."""
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


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
