"""Time blocks and functions, and report the seconds to a callback."""

import inspect
import logging
import warnings
from collections.abc import Awaitable, Callable
from functools import wraps
from threading import Lock, RLock
from time import perf_counter
from typing import ParamSpec, Self, TypeVar, cast, overload

from asyncworker.utils.callback import (
    NO_CALLBACK,
    Callback,
    check_keywords,
    is_async_callable,
    label,
    refuse_coroutine,
    takes_of,
)

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)


class Timeit:
    """Time a block or a function, and report the seconds to a callback.

    name: what the time is called in the report.
    callback: a function, plain or async, called once at the end with the keywords it names.
    extra: more keywords for the callback.
    Raises: TypeError, ValueError: an argument that could not work; RuntimeError: entered twice.
    """

    __slots__ = ("_callback", "_entered", "_extra", "_is_root", "_name", "_run", "_start", "_takes")

    def __init__(self, /, name: str, callback: Callback | None = None, **extra: object) -> None:
        _check_name(name)
        self._takes = NO_CALLBACK if callback is None else takes_of(callback)
        if extra or self._takes.required:
            check_keywords(callback, self._takes, extra)
        self._name = name
        self._callback = callback
        self._extra = extra
        self._is_root = True
        self._run = _NO_RUN
        # A lock is taken at once, so two threads cannot both enter.
        self._entered = Lock()

    @property
    def transactions(self) -> dict[str, float]:
        """Return the seconds of each transaction that ended, by name; of the last use only."""
        return self._run.seconds.copy()

    @overload
    def __call__(self, func: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def __call__(self, /, *, name: str) -> "Timeit": ...
    def __call__(
        self, func: Callable[P, R] | None = None, /, *, name: str | None = None
    ) -> "Callable[P, R] | Timeit":
        """Decorate func, or make the transaction called name, which shares this report."""
        if name is None:
            return self._decorate(func)
        if func is not None:
            raise TypeError("give a function to decorate or name= for a transaction, not both")
        return self._transaction(name)

    def __enter__(self) -> Self:
        self._check_plain("use 'async with'")
        return self._begin()

    def __exit__(self, exc_type: object, exc_val: object, exc_tb: object) -> None:
        keywords = self._end(exc_type, exc_val, exc_tb)
        if self._callback is None:
            return
        try:
            refuse_coroutine(self._callback, self._callback(**keywords))
        except Exception:
            if exc_val is None:
                raise
            logger.exception("the callback of Timeit %r failed too", self._name)

    async def __aenter__(self) -> Self:
        return self._begin()

    async def __aexit__(self, exc_type: object, exc_val: object, exc_tb: object) -> None:
        keywords = self._end(exc_type, exc_val, exc_tb)
        if self._callback is None:
            return
        try:
            result = self._callback(**keywords)
            if inspect.isawaitable(result):
                await result
        except Exception:
            if exc_val is None:
                raise
            logger.exception("the callback of Timeit %r failed too", self._name)

    def _begin(self) -> Self:
        if not self._entered.acquire(blocking=False):
            raise RuntimeError(
                f"Timeit {self._name!r} is running already: make one for each block,"
                " or decorate a function (each call is timed apart)"
            )
        if self._is_root:
            self._run = _Run()
        self._start = perf_counter()
        return self

    def _end(self, exc_type: object, exc_val: object, exc_tb: object) -> dict[str, object]:
        """Add the seconds to the report, and return the keywords for the callback."""
        time_delta = perf_counter() - self._start
        run = self._run
        in_time = run.add(self._name, time_delta, self._is_root)
        self._entered.release()
        if not in_time and exc_val is None:
            warnings.warn(
                f"transaction {self._name!r} ended after the block of its Timeit, so no report"
                " has it: end it inside the block",
                RuntimeWarning,
                stacklevel=3,
            )
        keywords = {
            "transactions": run.seconds,
            "exc_type": exc_type,
            "exc_val": exc_val,
            "exc_tb": exc_tb,
            "name": self._name,
            "time_delta": time_delta,
            **self._extra,
        }
        for unwanted in self._takes.unwanted:
            del keywords[unwanted]
        return keywords

    def _transaction(self, name: str) -> "Timeit":
        if not self._run.is_open:
            raise RuntimeError(
                f"Timeit {self._name!r} is not running: make its transaction {name!r} in its block"
            )
        child = Timeit(name)
        child._is_root = False
        child._run = self._run
        return child

    def _for_one_call(self) -> "Timeit":
        # Calls may overlap, so each has a Timeit of its own.
        copy = Timeit(self._name)
        copy._callback, copy._takes, copy._extra = self._callback, self._takes, self._extra
        copy._is_root, copy._run = self._is_root, self._run
        return copy

    def _decorate(self, func: Callable[P, R] | None) -> Callable[P, R]:
        function = cast("Callable[P, R]", _check_function(func))
        if is_async_callable(function):
            return self._decorate_async(function)
        self._check_plain("decorate an async function")

        @wraps(function)
        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            with self._for_one_call():
                return function(*args, **kwargs)

        return timed

    def _decorate_async(self, function: Callable[P, R]) -> Callable[P, R]:
        coroutine_function = cast("Callable[P, Awaitable[object]]", function)

        @wraps(function)
        async def timed(*args: P.args, **kwargs: P.kwargs) -> object:
            async with self._for_one_call():
                return await coroutine_function(*args, **kwargs)

        return cast("Callable[P, R]", timed)

    def _check_plain(self, advice: str) -> None:
        if self._takes.is_async:
            raise TypeError(
                f"callback {label(self._callback)} of Timeit {self._name!r} is async, and plain"
                f" code cannot await it: {advice}, or give a plain callback"
            )


class _Run:
    """Gather the seconds of one root and its transactions."""

    __slots__ = ("is_open", "lock", "seconds")

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.is_open = True
        # Transactions may end in several threads; a finalizer may end one in the midst of another.
        self.lock = RLock()

    def add(self, name: str, seconds: float, is_last: bool) -> bool:
        """Add seconds under name, unless the last were added before; return whether it did."""
        with self.lock:
            added = self.is_open
            if added:
                self.seconds[name] = self.seconds.get(name, 0.0) + seconds
                self.is_open = not is_last
            return added


_NO_RUN = _Run()
_NO_RUN.is_open = False


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"name must be a string, not {name!r}: write Timeit(name='...')")
    if not name.strip():
        raise ValueError(f"name must not be empty, as {name!r} is")


def _check_function(func: object) -> object:
    if isinstance(func, staticmethod | classmethod):
        raise TypeError(f"put @Timeit(...) under @{type(func).__name__}, not above it")
    if not callable(func) or isinstance(func, type):
        raise TypeError(
            f"Timeit decorates a function, not {func!r}; a transaction is timeit(name='...')"
        )
    if inspect.isgeneratorfunction(func) or inspect.isasyncgenfunction(func):
        raise TypeError(
            f"Timeit cannot decorate the generator {label(func)}: write 'with Timeit(...)' in it"
        )
    return func
