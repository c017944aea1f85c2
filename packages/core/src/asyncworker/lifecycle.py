"""One run of an App: start, serve, drain, end."""

from __future__ import annotations

import asyncio
import inspect
import logging
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from asyncworker.backend import load_backend
from asyncworker.errors import DrainTimeout, HookFailed
from asyncworker.routes import name_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from asyncworker.app import App
    from asyncworker.backend import Backend
    from asyncworker.routes import Route

log = logging.getLogger(__name__)

HOOK_GRACE: Final = 5.0
"""Seconds that a shutdown hook has at the least, however long the drain took."""


class Lifecycle:
    """Run an App once."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._start_limit = asyncio.timeout_at(None)
        self._started = False
        self._stopping = asyncio.Event()
        self._deadline = 0.0
        self._signals = 0

    def stop(self) -> None:
        """Ask for the drain and the end; safe from any thread, and more than once."""
        self._stopping.set()
        self._call_soon(self._stop)

    def on_signal(self, number: int, _frame: object) -> None:
        """Drain at the first signal, cancel at any further one."""
        self._signals += 1
        name = signal.Signals(number).name
        if self._signals == 1:
            self.stop()
            self._call_soon(log.info, "%s: stopping", name)
        elif self._task is not None:
            self._call_soon(log.warning, "%s again: cancelling what still runs", name)
            self._call_soon(self._task.cancel)

    async def serve(self) -> None:
        """Serve until `stop()`; raise as `running()` does."""
        async with self.running():
            await self._stopping.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start on entry; drain and shut down on exit.

        Raises: HookFailed, DrainTimeout, and whatever keeps a backend from serving.
        """
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._stopping.is_set():
            self._call_soon(self._stop)
        try:
            async with AsyncExitStack() as stack:
                await self._start_unless_stopped(stack)
                yield
        finally:
            self._loop = self._task = None

    async def _start_unless_stopped(self, stack: AsyncExitStack) -> None:
        try:
            async with self._start_limit:
                await self._start(stack)
        except TimeoutError:
            if not self._start_limit.expired():
                raise
            log.info("stopped before the start was complete")
        self._started = True

    async def _start(self, stack: AsyncExitStack) -> None:
        for connection in self._app.connections.all:
            await stack.enter_async_context(connection)
        for hook in self._app.shutdown_hooks:
            stack.push_async_callback(self._call_on_shutdown, hook)
        for hook in self._app.startup_hooks:
            await self._call("startup", hook)
        await stack.enter_async_context(self._serving())
        log.info("started with %d routes", len(self._app.routes))

    @asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        """Hold every backend's context, each in a task of its own, so that all drain together."""
        stopping = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                tasks = []
                for backend, routes in self._routes_by_backend():
                    ready = asyncio.Event()
                    serving = self._serve(backend, routes, ready, stopping)
                    tasks.append(group.create_task(serving))
                    await ready.wait()
                try:
                    yield
                finally:
                    stopping.set()
                    await self._drain(tasks)
        except BaseExceptionGroup as errors:
            raise _first(errors) from None

    async def _serve(
        self,
        backend: Backend,
        routes: Sequence[Route],
        ready: asyncio.Event,
        stopping: asyncio.Event,
    ) -> None:
        async with backend.serve(self._app, routes):
            ready.set()
            await stopping.wait()

    async def _drain(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        limit = self._app.settings.shutdown_timeout
        self._deadline = asyncio.get_running_loop().time() + limit
        late = (await asyncio.wait(tasks, timeout=limit))[1] if tasks else ()
        if late:
            for task in late:
                task.cancel()
            await asyncio.wait(late)
            raise DrainTimeout(
                f"handlers still ran after {limit:g} s (ASYNCWORKER_SHUTDOWN_TIMEOUT) "
                "and were cancelled"
            )

    async def _call_on_shutdown(self, hook: Callable[[App], Any]) -> None:
        earliest = asyncio.get_running_loop().time() + HOOK_GRACE
        async with asyncio.timeout_at(max(self._deadline, earliest)):
            await self._call("shutdown", hook)

    async def _call(self, moment: str, hook: Callable[[App], Any]) -> None:
        try:
            result = hook(self._app)
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            # Users' code may raise anything.
            raise HookFailed(f"{moment} hook {name_of(hook)} raised {error!r}") from error

    def _stop(self) -> None:
        """Wake up what waits for the stop, the start included."""
        self._stopping.set()
        if not self._started:
            self._start_limit.reschedule(0)

    def _call_soon(self, function: Callable[..., object], *args: object) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(function, *args)

    def _routes_by_backend(self) -> list[tuple[Backend, list[Route]]]:
        by_type: dict[Any, list[Route]] = {}
        for route in self._app.routes:
            by_type.setdefault(route.type, []).append(route)
        return [(load_backend(route_type), routes) for route_type, routes in by_type.items()]


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error to raise for a group: the first, groups within it included."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
