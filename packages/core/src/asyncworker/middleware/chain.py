"""Middlewares and error hooks around a handler, put together when a run starts."""

from __future__ import annotations

from dataclasses import replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from asyncworker.call import Call
from asyncworker.handling.cancellation import is_cancelled_from_outside
from asyncworker.middleware.call_next import CallNext
from asyncworker.middleware.error_hook import tell_all
from asyncworker.routes import Route, name_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from asyncworker.app import App
    from asyncworker.middleware.checks import Middleware
    from asyncworker.middleware.error_hook import ErrorHook
    from asyncworker.routes import Handler

    Proceed = Callable[[], Awaitable[Any]]
    Layer = Callable[[Call, Proceed], Awaitable[Any]]

R = TypeVar("R", bound=Any)


def surrounded(called: R, app: App) -> R:
    """Return a route or schedule with the middlewares and error hooks of it and of its app.

    One that has none is returned as it is.
    """
    middlewares = (*app.middlewares, *getattr(called, "middlewares", ()))
    if not middlewares and not app.error_hooks:
        return called
    chain = Chain(app, called, middlewares, tuple(app.error_hooks))
    complete = replace(called, middlewares=middlewares)
    changed: R = replace(complete.around(chain.wrap), middlewares=())
    if app.error_hooks and isinstance(changed, Route):
        changed = replace(changed, tell=chain.tell)
    return changed


class Chain:
    """Put middlewares, the first outermost, and error hooks around the calls of one handler."""

    def __init__(
        self,
        app: App,
        called: Any,
        middlewares: Sequence[Middleware],
        error_hooks: Sequence[ErrorHook],
    ) -> None:
        self._describe = partial(Call, app=app, route=called, type=getattr(called, "type", None))
        self._called = called
        self._error_hooks = error_hooks
        self._run: Layer = _innermost
        for middleware in reversed(middlewares):
            self._run = _layer(middleware, self._run)

    def wrap(self, handler: Handler) -> Handler:
        """Return what is to be called in place of a handler, with the same arguments."""

        @wraps(handler, updated=())
        async def surround(*arguments: Any) -> Any:
            call = self._describe(**self._called.described(*arguments))
            try:
                return await self._run(call, partial(handler, *arguments))
            except BaseException as error:
                if self._error_hooks and self._is_failure(error, arguments):
                    await tell_all(self._error_hooks, error, call)
                raise

        surround.__qualname__ = name_of(handler)
        return surround

    async def tell(self, error: BaseException, *arguments: Any) -> None:
        """Tell the error hooks of what failed when the handler had returned."""
        await tell_all(
            self._error_hooks, error, self._describe(**self._called.described(*arguments))
        )

    def _is_failure(self, error: BaseException, arguments: tuple[Any, ...]) -> bool:
        if isinstance(error, GeneratorExit) or is_cancelled_from_outside(error):
            return False
        return not self._called.is_answer(error, *arguments)


def _layer(middleware: Middleware, inner: Layer) -> Layer:
    name = name_of(middleware)

    async def layer(call: Call, proceed: Proceed) -> Any:
        call_next = CallNext(name, partial(inner, call, proceed))
        return call_next.answer(await middleware(call, call_next))

    return layer


async def _innermost(_call: Call, proceed: Proceed) -> Any:
    return await proceed()
