"""Time blocks and functions, and report the seconds to a callback."""

import inspect
import logging
import warnings
from collections.abc import Awaitable, Callable, Generator
from functools import wraps
from time import perf_counter
from typing import Any, ParamSpec, Self, TypeVar, cast, overload

from asyncworker.utils.callback import (
    NO_CALLBACK,
    Callback,
    check_keywords,
    is_async_callable,
    label,
    refuse_coroutine,
    takes_of,
)
from asyncworker.utils.run import Run

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

    __slots__ = ("_callback", "_extra", "_free", "_name", "_runs", "_seconds", "_start", "_takes")

    def __init__(self, /, name: str, callback: Callback | None = None, **extra: object) -> None:
        if not isinstance(name, str) or not name or name.isspace():
            raise _misnamed(name)
        takes = NO_CALLBACK if callback is None else takes_of(callback)
        if extra or takes.required:
            check_keywords(callback, takes, extra)
        self._name = name
        self._callback = callback
        self._takes = takes
        self._extra = extra
        self._seconds = _NO_SECONDS
        # While the block runs: the run that its transactions share, as soon as there is one.
        self._runs: list[Run] | None = None
        # The list for the next block. It stands in for a lock, which costs more than all the rest:
        # of two threads that enter at once, one finds nothing.
        self._free: list[list[Run]] = [[]]

    @property
    def transactions(self) -> dict[str, float]:
        """Return the seconds of each transaction that ended, by name; of the last use only."""
        runs = self._runs
        if runs is None:
            return self._seconds.copy()
        return runs[0].seconds.copy() if runs else {}

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
        try:
            result = self._end(exc_type, exc_val, exc_tb)
            if result is not None:
                refuse_coroutine(self._callback, result)
        except Exception:
            if exc_val is None:
                raise
            logger.exception("the callback of Timeit %r failed too", self._name)

    async def __aenter__(self) -> Self:
        return self._begin()

    def __aexit__(self, exc_type: object, exc_val: object, exc_tb: object) -> Awaitable[None]:
        # The callback's own coroutine, where one round it would have nothing to do.
        if exc_val is not None:
            return self._fail(exc_type, exc_val, exc_tb)
        result: Awaitable[None] = self._end(exc_type, exc_val, exc_tb)
        if self._takes.is_async or inspect.isawaitable(result):
            return result
        return _NOTHING

    async def _fail(self, exc_type: object, exc_val: object, exc_tb: object) -> None:
        try:
            result = self._end(exc_type, exc_val, exc_tb)
            if inspect.isawaitable(result):
                await result
        except Exception:
            logger.exception("the callback of Timeit %r failed too", self._name)

    def _begin(self) -> Self:
        try:
            self._runs = self._free.pop()
        except IndexError:
            raise RuntimeError(
                f"Timeit {self._name!r} is running already: make one for each block,"
                " or decorate a function (each call is timed apart)"
            ) from None
        self._start = perf_counter()
        return self

    def _end(self, exc_type: object, exc_val: object, exc_tb: object) -> Any:
        """Add the seconds to the report; call the callback, and return what it returns."""
        time_delta = perf_counter() - self._start
        # In this order, so that a transaction that is made meanwhile is seen here, or refused.
        runs, self._runs = self._runs, None
        seconds = runs[0].close(self._name, time_delta) if runs else {self._name: time_delta}
        self._seconds = seconds
        self._free.append([])
        callback = self._callback
        if callback is None:
            return None
        if self._takes.is_usual and not self._extra:
            # What is general takes twice as long.
            return callback(transactions=seconds, exc_type=exc_type, exc_val=exc_val, exc_tb=exc_tb)
        return self._call(
            callback,
            transactions=seconds,
            exc_type=exc_type,
            exc_val=exc_val,
            exc_tb=exc_tb,
            name=self._name,
            time_delta=time_delta,
            **self._extra,
        )

    def _call(self, callback: Callback, **keywords: object) -> Any:
        """Call the callback with those keywords that it takes."""
        for unwanted in self._takes.unwanted:
            del keywords[unwanted]
        return callback(**keywords)

    def _run(self) -> Run | None:
        """Return the run of this use, which transactions share; None when the block has ended."""
        runs = self._runs
        if runs is None:
            return None
        if not runs:
            # Several threads may be here at once: the first run is the one that counts.
            runs.append(Run())
        return runs[0] if self._runs is runs else None

    def _transaction(self, name: str) -> "_Transaction":
        run = self._run()
        if run is None or not run.is_open:
            raise RuntimeError(
                f"Timeit {self._name!r} is not running: make its transaction {name!r} in its block"
            )
        return _Transaction(name, run)

    def _for_one_call(self) -> "Timeit":
        # Calls may overlap, so each has a Timeit of its own.
        copy = Timeit(self._name)
        copy._callback, copy._takes, copy._extra = self._callback, self._takes, self._extra
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


class _Transaction(Timeit):
    """Time a part of a block: its seconds go into the run of its root."""

    __slots__ = ("_shared",)

    def __init__(self, name: str, shared: Run) -> None:
        super().__init__(name)
        self._shared = shared

    @property
    def transactions(self) -> dict[str, float]:
        """Return the seconds of each transaction of the run that ended, by name."""
        return self._shared.seconds.copy()

    def _end(self, _exc_type: object, exc_val: object, _exc_tb: object) -> None:
        time_delta = perf_counter() - self._start
        in_time = self._shared.add(self._name, time_delta)
        self._free.append([])
        if not in_time and exc_val is None:
            warnings.warn(
                f"transaction {self._name!r} ended after the block of its Timeit, so no report"
                " has it: end it inside the block",
                RuntimeWarning,
                stacklevel=3,
            )

    def _run(self) -> Run:
        return self._shared

    def _for_one_call(self) -> "_Transaction":
        return _Transaction(self._name, self._shared)


class _Nothing:
    """Take no time to be awaited, however often."""

    def __await__(self) -> Generator[None, None, None]:
        yield from ()


_NOTHING = _Nothing()
_NO_SECONDS: dict[str, float] = {}


def _misnamed(name: object) -> Exception:
    if not isinstance(name, str):
        return TypeError(f"name must be a string, not {name!r}: write Timeit(name='...')")
    return ValueError(f"name must not be empty, as {name!r} is")


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
