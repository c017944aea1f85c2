"""One run of an App: start, serve, drain, end."""

from __future__ import annotations

import asyncio
import inspect
import logging
import signal
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from asyncworker.backend import Remark, load_backend
from asyncworker.errors import AsyncWorkerError, DrainTimeout, HookFailed, StartStopped
from asyncworker.handling.redaction import brief
from asyncworker.handling.user_errors import caused_by_users
from asyncworker.middleware.chain import surrounded
from asyncworker.resources import Opening
from asyncworker.routes import name_of
from asyncworker.running.heap import give_back
from asyncworker.running.monitoring import told
from asyncworker.running.nothing_to_do import idle_reason
from asyncworker.running.pulse import watched
from asyncworker.running.serving import CANCEL_GRACE, Serving
from asyncworker.running.signals import woken_by_signals
from asyncworker.running.watchdog import Watchdog
from asyncworker.schedules.schedule import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from asyncworker.app import App
    from asyncworker.routes import Route

R = TypeVar("R", bound=Any)
Raised = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]

log = logging.getLogger(__name__)

DRAIN_MINIMUM: Final = 0.1
"""Seconds that backends have to close at the least, when no handler runs."""
HOOK_GRACE: Final = 5.0
"""Seconds that a shutdown hook has at the least, however long the drain took."""


class Lifecycle:
    """Run an App once."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._is_asked_to_stop = False
        self._signals = 0
        self._start: asyncio.Timeout | None = None
        self._end: asyncio.Timeout | None = None
        self._deadline = 0.0
        self._drain_end = 0.0
        self._is_killed = False
        self.watchdog = Watchdog()

    def stop(self) -> None:
        """Ask for the drain and the end; safe from any thread, and more than once."""
        # An event may only be set on the loop: a signal can come in the midst of a wait for it.
        self._is_asked_to_stop = True
        self.watchdog.allow(self._limit)
        self._call_soon(self._stop)

    def kill(self) -> None:
        """Have the end wait for nothing and call no hook, as far as a process can that goes on."""
        self._is_killed = True

    def on_signal(self, number: int, _frame: object) -> None:
        """Drain at the first signal; at any further one cancel what the end still waits for."""
        self._signals += 1
        name = signal.Signals(number).name
        if self._signals == 1:
            self._is_asked_to_stop = True
            self.watchdog.allow(self._limit)
            self._call_soon(self._on_first_signal, name)
        else:
            self.watchdog.allow(0)
            self._call_soon(self._on_further_signal, name)

    async def serve(self) -> None:
        """Serve until `stop()`; raise as `running()` does, but for StartStopped."""
        try:
            with woken_by_signals(asyncio.get_running_loop()):
                async with self.running():
                    give_back()
                    if (reason := idle_reason(self._app)) is not None:
                        is_remark = isinstance(reason, Remark)
                        log.log(logging.INFO if is_remark else logging.WARNING, "%s", reason)
                    await self._stopping.wait()
        except StartStopped as stopped:
            log.info("%s", stopped)

    @property
    def is_stopping(self) -> bool:
        """Tell whether the run is to end, from any thread."""
        return self._is_asked_to_stop or self._stopping.is_set()

    def drain_end(self) -> float:
        """Return until when the drain may last, by the monotonic clock; 0 when it is hurried."""
        return 0.0 if self._is_hurried else self._drain_end

    async def stopping(self) -> None:
        """Wait until the run is to end."""
        await self._stopping.wait()

    @property
    def _limit(self) -> float:
        """Return the seconds that a drain may take."""
        return max(self._app.settings.shutdown_timeout, DRAIN_MINIMUM)

    @property
    def _is_hurried(self) -> bool:
        return self._signals > 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start on entry; drain and shut down on exit.

        Raises: StartStopped, HookFailed, DrainTimeout, and whatever keeps a backend from serving.
        """
        self._loop = asyncio.get_running_loop()
        if self._is_asked_to_stop:
            self._call_soon(self._stop)
        try:
            async with AsyncExitStack() as stack:
                await self._enter_unless_stopped(stack)
                yield
        finally:
            self._loop = None

    async def _enter_unless_stopped(self, stack: AsyncExitStack) -> None:
        try:
            async with asyncio.timeout_at(None) as self._start:
                await self._enter(stack)
        except TimeoutError:
            if self._start is None or not self._start.expired():
                raise
            raise StartStopped("stopped before the start was complete") from None
        finally:
            self._start = None

    async def _enter(self, stack: AsyncExitStack) -> None:
        feed = self._app.feed
        await stack.enter_async_context(told(self._app))
        await stack.enter_async_context(watched(feed, self._app.settings.blocked_after))
        for connection in self._app.connections.all:
            stack.enter_context(connection.told_to(feed, self._app.tracing))
            await stack.enter_async_context(connection)
        stack.callback(self.watchdog.allow, CANCEL_GRACE)
        for resource in self._app.resources.values():
            opening = Opening(resource)
            await self._call(opening.subject, opening.open)
            stack.push_async_exit(partial(self._call_on_shutdown, opening.subject, opening.close))
        for hook in self._app.shutdown_hooks:
            subject = f"shutdown hook {name_of(hook)}"
            stack.push_async_exit(partial(self._call_unless_killed, subject, hook))
        for hook in self._app.startup_hooks:
            await self._call(f"startup hook {name_of(hook)}", hook)
        serving = Serving(self._stopping)
        stack.push_async_exit(partial(self._drain, serving))
        for route_type, routes in self._routes_by_type().items():
            context = load_backend(route_type).serve(self._app, routes)
            await serving.add(repr(route_type), context)
        schedules = [self._made_ready(schedule) for schedule in self._app.schedules]
        if schedules:
            await serving.add("the schedules", running(schedules, self._app))
        for hook in self._app.started_hooks:
            await self._call(f"started hook {name_of(hook)}", hook)
        feed.enter("working")
        log.info("started; routes: %d; schedules: %d", len(self._app.routes), len(schedules))

    async def _drain(self, serving: Serving, *raised: *Raised) -> None:
        self._stopping.set()
        self._app.feed.enter("draining")
        limit = 0.0 if self._is_hurried or self._is_killed else self._limit
        self._deadline = asyncio.get_running_loop().time() + limit
        self._drain_end = time.monotonic() + limit
        self.watchdog.allow(limit)
        try:
            async with asyncio.timeout_at(self._deadline) as self._end:
                await serving.ended()
        except TimeoutError:
            self.watchdog.allow(CANCEL_GRACE)
            await serving.cancel()
            reason = f"{self._limit:g} s had passed (ASYNCWORKER_SHUTDOWN_TIMEOUT)"
            reason = "a further signal came" if self._is_hurried else reason
            _raise_first(DrainTimeout(f"the drain was cut short when {reason}"), raised)
        except asyncio.CancelledError:
            self.watchdog.allow(CANCEL_GRACE)
            await serving.cancel()
            raise
        if raised[1] is None:
            serving.raise_failure()

    async def _call_unless_killed(
        self, subject: str, hook: Callable[[App], Any], *raised: *Raised
    ) -> None:
        if not self._is_killed:
            await self._call_on_shutdown(subject, hook, *raised)

    async def _call_on_shutdown(
        self, subject: str, hook: Callable[[App], Any], *raised: *Raised
    ) -> None:
        now = asyncio.get_running_loop().time()
        until = max(self._deadline, now + HOOK_GRACE)
        self.watchdog.allow(until - now)
        try:
            async with asyncio.timeout_at(until) as self._end:
                await self._call(subject, hook)
        except HookFailed as failure:
            _raise_first(failure, raised)
        except TimeoutError:
            _raise_first(HookFailed(f"{subject} did not end in time"), raised)

    async def _call(self, subject: str, hook: Callable[[App], Any]) -> None:
        task = asyncio.current_task()
        cancellations = 0 if task is None else task.cancelling()
        try:
            result = hook(self._app)
            if inspect.isawaitable(result):
                with self.watchdog.awaiting(subject, result):
                    await result
        except (Exception, asyncio.CancelledError) as error:
            # Users' code may raise anything, even a cancellation that nobody asked for.
            if task is not None and task.cancelling() > cancellations:
                raise
            raise HookFailed(f"{subject} raised {brief(error)}") from error

    def _on_first_signal(self, name: str) -> None:
        log.info("%s: stopping", name)
        self._stop()

    def _on_further_signal(self, name: str) -> None:
        log.warning("%s again: cancelling what still runs", name)
        _cut_short(self._end)

    def _stop(self) -> None:
        """Wake up what waits for the stop, the start included."""
        self._stopping.set()
        _cut_short(self._start)

    def _call_soon(self, function: Callable[..., object], *args: object) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):
                # Closed meanwhile: nothing is left to stop.
                loop.call_soon_threadsafe(function, *args)

    def _routes_by_type(self) -> dict[Any, list[Route]]:
        by_type: dict[Any, list[Route]] = {}
        for route in self._app.routes:
            by_type.setdefault(route.type, []).append(self._made_ready(route))
        return by_type

    def _made_ready(self, called: R) -> R:
        """Return a route or schedule with all that is around its handler."""
        ready, tracing = surrounded(called, self._app), self._app.tracing
        return ready if tracing is None else tracing.traced(ready)


def _raise_first(failure: AsyncWorkerError, raised: Raised) -> None:
    """Raise a failure of the end, or log it when another one is on its way already."""
    if raised[1] is None or isinstance(raised[1], StartStopped):
        raise failure from failure.__cause__
    log.error("%s", failure, exc_info=caused_by_users(failure))


def _cut_short(stage: asyncio.Timeout | None) -> None:
    """End a stage of the run now, unless it ends already."""
    with suppress(RuntimeError):
        if stage is not None:
            stage.reschedule(0)
