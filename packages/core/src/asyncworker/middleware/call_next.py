"""What a middleware is given to go on with."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from asyncworker.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine


class CallNext:
    """Go on with the next middleware, or the handler, once at the most.

    middleware: its name, for error messages. proceed: what goes on.
    """

    __slots__ = ("_coroutine", "_middleware", "_proceed", "_returned")

    def __init__(self, middleware: str, proceed: Callable[[], Awaitable[Any]]) -> None:
        self._middleware = middleware
        self._proceed: Callable[[], Awaitable[Any]] | None = proceed
        self._coroutine: Coroutine[Any, Any, Any] | None = None
        self._returned: Any = None

    def __call__(self) -> Coroutine[Any, Any, Any]:
        """Return what is to be awaited for what the handler returns.

        Raises: ConfigurationError, when it was called before, or comes too late.
        """
        if self._coroutine is not None:
            raise self._wrong("called call_next() twice: call it once")
        if self._proceed is None:
            raise self._wrong("called call_next() after it had returned: call it before")
        self._coroutine = self._go_on(self._proceed)
        return self._coroutine

    def answer(self, returned: Any) -> Any:
        """Return what the call comes to, when its middleware has returned.

        Raises: ConfigurationError, unless the handler was skipped, or has ended.
        """
        self._proceed = None
        if self._coroutine is not None:
            state = inspect.getcoroutinestate(self._coroutine)
            if state == inspect.CORO_CREATED:
                self._coroutine.close()
                raise self._wrong("called call_next() in vain: await it")
            if state != inspect.CORO_CLOSED:
                raise self._wrong("returned before call_next() had ended: await it")
        return self._returned if returned is None else returned

    async def _go_on(self, proceed: Callable[[], Awaitable[Any]]) -> Any:
        self._returned = await proceed()
        return self._returned

    def _wrong(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"middleware {self._middleware} {what}")
