"""What a callback of Timeit takes, read from its signature once."""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MethodType
from typing import Any
from weakref import WeakKeyDictionary, ref

if sys.version_info >= (3, 14):
    from annotationlib import Format

    # Evaluated now, a name that is imported for type checkers alone would be an error (PEP 649).
    LAZILY: dict[str, Any] = {"annotation_format": Format.FORWARDREF}
else:
    LAZILY: dict[str, Any] = {}

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
_known: WeakKeyDictionary[Any, Takes] = WeakKeyDictionary()
_known_methods: WeakKeyDictionary[Any, Takes] = WeakKeyDictionary()
# The callback that was looked up last comes again, as a rule: this takes a fifth of the time.
_last: tuple[Callable[[], object], Takes] = (lambda: None, NO_CALLBACK)


def takes_of(callback: Callback) -> Takes:
    """Return what callback takes, from memory after the first time."""
    last, takes = _last
    return takes if last() is callback else _recall(callback)


def _recall(callback: Callback) -> Takes:
    global _last
    memory, key = _known, callback
    if isinstance(callback, MethodType):
        # Each access to a method makes a new object: only its function lasts.
        memory, key = _known_methods, callback.__func__
    try:
        takes = memory.get(key)
    except TypeError:  # it has no hash, or no weak reference can be made to it
        return _inspect(callback)
    if takes is None:
        takes = memory[key] = _inspect(callback)
    if key is callback:
        _last = (ref(callback), takes)
    return takes


def _inspect(callback: Callback) -> Takes:
    if not callable(callback):
        raise TypeError(f"callback must be a function, not {callback!r}")
    try:
        parameters = inspect.signature(callback, **LAZILY).parameters.values()
    except (ValueError, TypeError):
        # A built-in function without a signature; in Python 3.11.2, as of Debian 12, an AsyncMock.
        is_async = is_async_callable(callback)
        return Takes(unwanted=GIVEN_IF_NAMED, any_keyword=True, is_async=is_async, is_usual=True)
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
