"""Handlers that run by the clock (`app.run_every()`, `app.run_at()`)."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from asyncworker.dispatch import Dispatcher
from asyncworker.handling.repeated_failures import Failures
from asyncworker.handling.time_limit import limited
from asyncworker.once.standing import Standing
from asyncworker.operation import Operation
from asyncworker.parameters.shared import given_app_or_nothing
from asyncworker.plural import counted
from asyncworker.routes import name_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
    from datetime import datetime

    from asyncworker.app import App
    from asyncworker.handler_options import HandlerOptions, ScheduleOptions
    from asyncworker.once.claim import Claim
    from asyncworker.once.lock import Lock
    from asyncworker.once.standing import Turn
    from asyncworker.routes import Handler

log = logging.getLogger(__name__)


class Timetable(Protocol):
    """Tell when a handler runs; its text ends what logs say of the handler."""

    def ticks(self) -> AsyncIterator[None]:
        """Yield at each tick from now on; those that pass meanwhile are left out."""
        ...

    def moments(self, start: datetime) -> Iterable[datetime]:
        """Yield when each tick is due after a start."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Hold one handler, which is given the app, with the times at which it runs.

    handler: it minds the `timeout` of the options by itself. middlewares: those of this schedule
    alone, the first outermost. claim: the lock that it runs by; None where each process runs it.
    left_out: is called at a tick at which nothing begins, as another process holds that lock.
    """

    timetable: Timetable
    handler: Handler
    options: ScheduleOptions
    middlewares: tuple[Callable[..., Awaitable[Any]], ...] = field(default=(), repr=False)
    claim: Claim | None = None
    left_out: Callable[[], None] = field(default=lambda: None, repr=False)

    @classmethod
    def make(
        cls,
        app: App,
        timetable: Timetable,
        handler: Handler,
        options: Mapping[Any, Any] | HandlerOptions | None,
        middlewares: tuple[Callable[..., Awaitable[Any]], ...] = (),
        claim: Claim | None = None,
    ) -> Schedule:
        """Return a schedule, checked.

        Raises: ConfigurationError
        """
        # pydantic takes longer than all else to be imported.
        from asyncworker.handler_options import ScheduleOptions

        checked = ScheduleOptions.parse(options)
        return cls(
            timetable=timetable,
            handler=limited(given_app_or_nothing(app, handler), checked.timeout),
            options=checked,
            middlewares=middlewares,
            claim=claim,
        )

    @property
    def handler_name(self) -> str:
        """Return the handler's name as logs show it."""
        return name_of(self.handler)

    def around(self, wrap: Callable[[Handler], Handler]) -> Schedule:
        """Return the schedule with what `wrap` makes of its handler."""
        return replace(self, handler=wrap(self.handler))

    def described(self, *_arguments: object) -> Mapping[str, Any]:
        """Return what a `Call` has of the arguments of the handler: nothing."""
        return {}

    def is_answer(self, _error: BaseException, *_arguments: object) -> bool:
        """Tell that nobody waits for an answer of a schedule."""
        return False

    def operation(self, *_arguments: object) -> Operation:
        """Return what a span tells of a run."""
        return Operation(f"run {self.handler_name}", "INTERNAL", {})


class Runner:
    """Run one schedule until it is stopped."""

    def __init__(self, schedule: Schedule, app: App) -> None:
        self._schedule = schedule
        handler = schedule.handler

        def call(_tick: list[None]) -> Awaitable[Any]:
            return handler(app)

        call.__qualname__ = schedule.handler_name
        self._failures = Failures(log, f"{self._subject}:")
        self._stopping = asyncio.Event()
        self._runs = 0
        self._is_skipping = False
        self._timetable = str(schedule.timetable)
        self._activity = app.feed.activity("schedule", schedule.handler_name, [self._timetable])
        self._dispatcher: Dispatcher[None] = Dispatcher(
            call, self._settle, schedule.options.max_concurrency, self._activity
        )

    def stop(self) -> None:
        """Have `run()` start nothing more, let what runs end, and return."""
        self._stopping.set()

    async def run(self) -> None:
        """Start a run at each tick until `stop()`."""
        claim = self._schedule.claim
        locked = nullcontext() if claim is None else claim.lock()
        # The lock is given up when all runs have ended.
        async with self._activity, locked as lock, self._dispatcher, asyncio.TaskGroup() as group:
            if claim is None or lock is None:
                tasks = [group.create_task(self._follow())]
                self._activity.works(self._timetable)
            else:
                standing = Standing(lock, claim, self._subject)
                tasks = [
                    group.create_task(self._follow_once(lock, standing)),
                    group.create_task(standing.follow(self._show)),
                ]
            await self._stopping.wait()
            self._activity.drains()
            for task in tasks:
                task.cancel()
            self._dispatcher.withdraw()

    async def _follow_once(self, lock: Lock, standing: Standing) -> None:
        """Start a run at each tick that comes while the lock is held."""
        await standing.decided()
        await self._follow(lock)

    def _show(self, turn: Turn) -> None:
        if turn.held:
            self._activity.works(self._timetable)
        elif turn.problem is None:
            self._activity.stands_by(self._timetable, turn.reason)
        else:
            self._activity.waits(self._timetable, turn.reason)

    async def _follow(self, lock: Lock | None = None) -> None:
        async for _ in self._schedule.timetable.ticks():
            if lock is not None and not lock.held:
                self._schedule.left_out()
                continue
            if self._runs < self._schedule.options.max_concurrency:
                self._runs += 1
                self._is_skipping = False
                self._dispatcher.submit([None])
                continue
            self._activity.count(self._timetable, "skipped")
            if not self._is_skipping:
                # Said once for each time that runs take too long, not at each tick.
                self._is_skipping = True
                going_on = counted(self._runs, "run")
                log.warning("%s: skipped, with %s still going on", self._subject, going_on)

    def _settle(self, _tick: list[None], raised: BaseException | None) -> bool:
        self._runs -= 1
        if raised is None:
            return False
        self._activity.count(self._timetable, "failed")
        self._failures.report(raised)
        return True

    @property
    def _subject(self) -> str:
        return f"handler {self._schedule.handler_name}, {self._schedule.timetable}"


@asynccontextmanager
async def running(schedules: Iterable[Schedule], app: App) -> AsyncIterator[None]:
    """Run schedules while the context lasts; on exit start nothing more, and let runs end."""
    runners = [Runner(schedule, app) for schedule in schedules]
    async with asyncio.TaskGroup() as group:
        for runner in runners:
            group.create_task(runner.run())
        try:
            yield
        finally:
            for runner in runners:
                runner.stop()
