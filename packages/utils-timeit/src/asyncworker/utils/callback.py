"""What a callback of Timeit takes, read from its signature once."""

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MethodType
from typing import Any
from weakref import WeakKeyDictionary, ref

Callback = Callable[..., Any]

GIVEN_TO_ALL = ("transactions", "exc_type", "exc_val", "exc_tb")
GIVEN_IF_NAMED = ("name", "time_delta")
GIVEN = frozenset((*GIVEN_TO_ALL, *GIVEN_IF_NAMED))


@dataclass(frozen=True, slots=True)
class Takes:
    """Say what a callback takes."""

    unwanted: tuple[str, ...]
    names: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    any_keyword: bool = False
    is_async: bool = False
    is_usual: bool = False
    """Whether it is given what is given to all, and nothing else."""


NO_CALLBACK = Takes(unwanted=())
# By the id of a callback, which may be another's when it is gone: hence the reference. A
# WeakKeyDictionary does the same for callbacks that have a hash, and takes four times as long.
_known: dict[int, tuple[ref[Any], Takes]] = {}
_known_methods: WeakKeyDictionary[Any, Takes] = WeakKeyDictionary()


def takes_of(callback: Callback) -> Takes:
    """Return what callback takes, from memory after the first time."""
    known = _known.get(id(callback))
    if known is not None and known[0]() is callback:
        return known[1]
    if isinstance(callback, MethodType):
        return _takes_of_method(callback)
    takes = _inspect(callback)
    key = id(callback)
    with suppress(TypeError):  # no weak reference can be made to it
        _known[key] = (ref(callback, lambda _: _known.pop(key, None)), takes)
    return takes


def _takes_of_method(method: MethodType) -> Takes:
    # Each access to a method makes a new object: only its function lasts.
    function = method.__func__
    try:
        known = _known_methods.get(function)
    except TypeError:  # it has no hash, or no weak reference can be made to it
        return _inspect(method)
    if known is None:
        known = _known_methods[function] = _inspect(method)
    return known


def _inspect(callback: Callback) -> Takes:
    if not callable(callback):
        raise TypeError(f"callback must be a function, not {callback!r}")
    try:
        parameters = inspect.signature(callback).parameters.values()
    except ValueError:  # a built-in function without a signature
        return Takes(unwanted=GIVEN_IF_NAMED, any_keyword=True, is_usual=True)
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    names = frozenset(p.name for p in named)
    any_keyword = any(p.kind is p.VAR_KEYWORD for p in parameters)
    for p in parameters:
        if p.kind is p.POSITIONAL_ONLY and p.default is p.empty:
            raise TypeError(
                f"callback {label(callback)} takes {p.name!r} by position only:"
                " Timeit gives keywords, so drop the '/'"
            )
    unwanted = frozenset(GIVEN_IF_NAMED if any_keyword else GIVEN) - names
    return Takes(
        unwanted=tuple(unwanted),
        names=names,
        required=frozenset(p.name for p in named if p.default is p.empty) - GIVEN,
        any_keyword=any_keyword,
        is_async=is_async_callable(callback),
        is_usual=unwanted == frozenset(GIVEN_IF_NAMED),
    )


def check_keywords(callback: Callback | None, takes: Takes, extra: Mapping[str, object]) -> None:
    """Accept the extra keywords that a callback takes.

    Raises: TypeError, naming the keyword.
    """
    for keyword in extra:
        if callback is None:
            raise TypeError(f"no callback takes the keyword {keyword!r}: pass callback= as well")
        if keyword in GIVEN:
            raise TypeError(f"Timeit itself gives {keyword!r} to the callback: rename the keyword")
        if not (takes.any_keyword or keyword in takes.names):
            raise TypeError(f"callback {label(callback)} does not take the keyword {keyword!r}")
    for keyword in sorted(takes.required - extra.keys()):
        raise TypeError(
            f"callback {label(callback)} needs the keyword {keyword!r}:"
            f" pass it as Timeit(..., {keyword}=...)"
        )


def refuse_coroutine(callback: Callback | None, result: object) -> None:
    """Close what plain code cannot await, and say so.

    Raises: TypeError
    """
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError(
            f"callback {label(callback)} returned a coroutine, and plain code cannot await it:"
            " use 'async with', or give a plain callback"
        )


def is_async_callable(func: object) -> bool:
    """Tell whether calling `func` gives a coroutine."""
    return inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(type(func).__call__)


def label(func: object) -> str:
    """Return the name of a function as messages show it."""
    return getattr(func, "__qualname__", None) or repr(func)
