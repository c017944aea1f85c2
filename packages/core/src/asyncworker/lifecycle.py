"""One run of an App: start, serve, drain, end."""

from __future__ import annotations

import asyncio
import inspect
import logging
import signal
from contextlib import AsyncExitStack, asynccontextmanager, suppress
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
        self._stopping = asyncio.Event()
        self._started = False
        self._hurried = False
        self._limit: asyncio.Timeout | None = None
        self._deadline = 0.0
        self._signals = 0

    def stop(self) -> None:
        """Ask for the drain and the end; safe from any thread, and more than once."""
        self._stopping.set()
        self._call_soon(self._stop)

    def on_signal(self, number: int, _frame: object) -> None:
        """Drain at the first signal; at any further one cancel what the end still waits for."""
        self._signals += 1
        name = signal.Signals(number).name
        if self._signals == 1:
            self._stopping.set()
            self._call_soon(self._on_first_signal, name)
        else:
            self._call_soon(self._on_further_signal, name)

    async def serve(self) -> None:
        """Serve until `stop()`; raise as `running()` does."""
        async with self.running():
            await self._stopping.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start on entry; drain and shut down on exit.

        Raises: HookFailed, DrainTimeout, and whatever keeps a backend from serving.
        """
        self._loop = asyncio.get_running_loop()
        if self._stopping.is_set():
            self._call_soon(self._stop)
        try:
            async with AsyncExitStack() as stack:
                await self._start_unless_stopped(stack)
                yield
        finally:
            self._loop = None

    async def _start_unless_stopped(self, stack: AsyncExitStack) -> None:
        try:
            async with asyncio.timeout_at(None) as limit:
                self._limit = limit
                await self._start(stack)
        except TimeoutError:
            if not limit.expired():
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
        log.info("started; routes: %d", len(self._app.routes))

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
        limit = 0.0 if self._hurried else self._app.settings.shutdown_timeout
        self._deadline = asyncio.get_running_loop().time() + limit
        if not tasks:
            return
        try:
            async with asyncio.timeout_at(self._deadline) as self._limit:
                await asyncio.wait(tasks)
        except TimeoutError:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            reason = (
                "a further signal came"
                if self._hurried
                else f"{limit:g} s had passed (ASYNCWORKER_SHUTDOWN_TIMEOUT)"
            )
            raise DrainTimeout(f"handlers were cancelled: they still ran when {reason}") from None

    async def _call_on_shutdown(self, hook: Callable[[App], Any]) -> None:
        earliest = asyncio.get_running_loop().time() + HOOK_GRACE
        try:
            async with asyncio.timeout_at(max(self._deadline, earliest)) as limit:
                self._limit = limit
                await self._call("shutdown", hook)
        except TimeoutError:
            if not limit.expired():
                raise
            raise HookFailed(f"shutdown hook {name_of(hook)} did not end in time") from None

    async def _call(self, moment: str, hook: Callable[[App], Any]) -> None:
        try:
            result = hook(self._app)
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            # Users' code may raise anything.
            raise HookFailed(f"{moment} hook {name_of(hook)} raised {error!r}") from error

    def _on_first_signal(self, name: str) -> None:
        log.info("%s: stopping", name)
        self._stop()

    def _on_further_signal(self, name: str) -> None:
        log.warning("%s again: cancelling what still runs", name)
        self._hurried = True
        if self._started:
            self._cut_short()

    def _stop(self) -> None:
        """Wake up what waits for the stop, the start included."""
        self._stopping.set()
        if not self._started:
            self._cut_short()

    def _cut_short(self) -> None:
        """End the stage that runs now."""
        with suppress(RuntimeError):
            # It is over already when it has run into its own end.
            if self._limit is not None:
                self._limit.reschedule(0)

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
