"""Plain functions as handlers and hooks: awaited like any other, run in threads."""

from __future__ import annotations

import inspect
import math
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from asyncworker.routes import is_async, name_of, streams
from asyncworker.threads.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.routes import Handler

HINT: Final = "runs in a thread, as it is a plain function: async def has it on the event loop"


class PlainFunctions:
    """Make the plain functions of an app awaitable; it owns the threads that they run in."""

    def __init__(self) -> None:
        self._pools: list[Pool] = []

    def awaitable(
        self, kind: str, function: Callable[..., Any], limit: float | None = None
    ) -> Handler:
        """Return a function that is async as it is, and a plain one with threads to run in.

        What a plain one returns that is to be awaited, as it does that calls one which is async,
        is awaited on the event loop.

        kind: what logs call it, before its name. limit: the most calls side by side.
        """
        if is_async(function) or streams(function):
            return function
        name = name_of(function)
        pool = Pool(f"{kind} {name}", math.inf if limit is None else limit)
        self._pools.append(pool)

        @wraps(function, updated=())
        async def call(*args: Any, **kwargs: Any) -> Any:
            try:
                returned = await pool.call(function, *args, **kwargs)
            except RuntimeError as error:
                if "event loop" in str(error):
                    error.add_note(f"{name} {HINT}")
                raise
            return await returned if inspect.isawaitable(returned) else returned

        call.__qualname__ = name
        return call

    def end(self) -> None:
        """End the threads, less those that do not return."""
        for pool in self._pools:
            pool.end()
