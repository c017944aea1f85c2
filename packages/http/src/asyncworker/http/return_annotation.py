"""What a handler says that it returns, checked where it is declared: no client can be sent an int.

Whatever is not surely wrong passes: a subclass, or what stands for another type, may be fit.
"""

from __future__ import annotations

import enum
import inspect
import types
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from dataclasses import is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import PurePath
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NewType,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from uuid import UUID

from aiohttp import web

from asyncworker.errors import ConfigurationError
from asyncworker.http import responses
from asyncworker.http.streaming import kind
from asyncworker.http.streaming.event import is_event
from asyncworker.model_classes import is_model
from asyncworker.parameters.signature import globals_of
from asyncworker.routes import name_of, streams
from asyncworker.signatures import signature_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.routes import Handler

NEVER: Final = (
    *(int, float, complex, Decimal, Fraction, range),
    *(set, frozenset, enum.Enum, UUID, PurePath, date, time, timedelta),
    *(type, types.FunctionType, types.GeneratorType, types.CoroutineType),
)
"""Classes whose values no answer is made of, unless they are something else besides."""
VALUES: Final = (int, float, complex, bool, object)
"""Classes whose very values are no annotations: `-> object()`."""
RETURNED: Final = (
    *(web.StreamResponse, dict, list),
    *(str, bytes, bytearray, memoryview, types.NoneType),
)
YIELDED: Final = (str, bytes, bytearray, memoryview)
ASYNC_ITERATORS: Final = (AsyncGenerator, AsyncIterable, AsyncIterator)


def check_returns(handler: Handler) -> None:
    """Accept a handler unless its return annotation can never be answered.

    Raises: ConfigurationError
    """
    annotation, is_stream = _annotation(handler), streams(handler)
    try:
        fits = _is_yieldable(annotation) if is_stream else _is_returnable(annotation)
    except Exception:  # noqa: BLE001 (annotations are users' code, and may refer to themselves)
        return
    if not fits:
        name, shown = name_of(handler), inspect.formatannotation(annotation)
        expected = kind.EXPECTED if is_stream else responses.EXPECTED
        raise ConfigurationError(f"handler {name}: -> {shown} can never be answered: {expected}")


def yields_events(handler: Handler) -> bool:
    """Tell whether a handler says that it yields nothing but events, as AsyncIterator[SSEEvent]."""
    item = _item(_annotation(handler))
    return all(isinstance(each, type) and is_event(each) for each in _members(item))


def _annotation(handler: Any) -> Any:
    """Return the annotation, evaluated; Any where there is none, or it is not to be known."""
    function = handler
    while isinstance(function, partial):
        function = function.func
    if not hasattr(function, "__code__"):
        function = type(function).__call__
    if hasattr(function, "__wrapped__"):
        # What it is annotated with is what the decorated function returns.
        return Any
    found = signature_of(function).return_annotation
    if found is inspect.Signature.empty:
        return Any

    def annotated() -> None: ...

    annotated.__annotations__ = {"return": found}
    try:
        return get_type_hints(annotated, globals_of(handler))["return"]
    except Exception:  # noqa: BLE001 (a name for type checkers alone, or whatever users write)
        return Any


def _is_returnable(annotation: Any) -> bool:
    if get_origin(annotation) is tuple:
        return _is_with_status(get_args(annotation))
    return _fits(annotation, _is_returnable, _is_class_of_answers)


def _is_with_status(parts: tuple[Any, ...]) -> bool:
    """Tell whether a tuple may be a value, a status and headers."""
    if Ellipsis in parts:
        return True
    return len(parts) in (2, 3) and _is_value(parts[0]) and _is_status(parts[1])


def _is_value(annotation: Any) -> bool:
    return _fits(annotation, _is_value, _is_class_of_values)


def _is_status(annotation: Any) -> bool:
    return _fits(annotation, _is_status, _is_class_of_statuses)


def _is_yieldable(annotation: Any) -> bool:
    is_iterator = get_origin(annotation) in ASYNC_ITERATORS
    return _is_item(_item(annotation)) if is_iterator else _is_returnable(annotation)


def _is_item(annotation: Any) -> bool:
    return _fits(annotation, _is_item, _is_class_of_items)


def _fits(annotation: Any, test: Callable[[Any], bool], is_fit: Callable[[type], bool]) -> bool:
    """Tell whether an annotation may stand for a value that is fit.

    test: the same for what the annotation is made of. is_fit: that of classes.
    """
    if type(annotation) in VALUES:
        return False
    if parts := alternatives(annotation):
        return any(map(test, parts))
    classes = _classes(annotation)
    return not classes or any(map(is_fit, classes))


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """Return what an annotation stands for, any of it; nothing where it stands for itself."""
    if hasattr(annotation, "__value__"):
        return (annotation.__value__,)
    if isinstance(annotation, NewType):
        return (annotation.__supertype__,)
    origin = get_origin(annotation)
    if origin is Annotated:
        return get_args(annotation)[:1]
    return get_args(annotation) if origin in (Union, types.UnionType) else ()


def _classes(annotation: Any) -> list[type]:
    """Return of which classes values may be, none where that is not to be known."""
    origin = get_origin(annotation)
    if origin is Literal:
        return [type(value) for value in get_args(annotation)]
    made_of = annotation if origin is None else origin
    made_of = types.NoneType if made_of is None else made_of
    return [made_of] if isinstance(made_of, type) and made_of is not Any else []


def _is_class_of_answers(one: type) -> bool:
    if is_dataclass(one) or is_model(one) or issubclass(one, RETURNED):
        return True
    if issubclass(one, tuple):
        # A named one is no value with a status.
        return one is tuple
    return not issubclass(one, NEVER)


def _is_class_of_values(one: type) -> bool:
    return not issubclass(one, (tuple, web.StreamResponse)) and _is_class_of_answers(one)


def _is_class_of_items(one: type) -> bool:
    if is_event(one) or issubclass(one, YIELDED):
        return True
    return not issubclass(one, (*NEVER, tuple, dict, list, web.StreamResponse, types.NoneType))


def _is_class_of_statuses(one: type) -> bool:
    return one is not bool and (issubclass(one, int) or issubclass(int, one))


def _item(annotation: Any) -> Any:
    """Return what an async iterator is one of, Any when it does not say."""
    parts = get_args(annotation) if get_origin(annotation) in ASYNC_ITERATORS else ()
    return parts[0] if parts else Any


def _members(annotation: Any) -> tuple[Any, ...]:
    is_union = get_origin(annotation) in (Union, types.UnionType)
    return get_args(annotation) if is_union else (annotation,)
