"""Handlers that run by the clock (`app.run_every()`, `app.run_at()`)."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from asyncworker.dispatch import Dispatcher
from asyncworker.errors import ConfigurationError
from asyncworker.failures import Failures
from asyncworker.routes import check_handler, check_takes, name_of
from asyncworker.signatures import signature_of
from asyncworker.time_limit import limited
from asyncworker.words import counted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
    from datetime import datetime

    from asyncworker.app import App
    from asyncworker.handler_options import HandlerOptions, ScheduleOptions
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
    """Hold one handler with the times at which it runs."""

    timetable: Timetable
    handler: Handler
    options: ScheduleOptions
    takes_app: bool

    @classmethod
    def make(
        cls,
        timetable: Timetable,
        handler: Handler,
        options: Mapping[Any, Any] | HandlerOptions | None,
    ) -> Schedule:
        """Return a schedule, checked.

        Raises: ConfigurationError
        """
        # pydantic takes longer than all else to be imported.
        from asyncworker.handler_options import ScheduleOptions

        check_handler(handler)
        return cls(
            timetable=timetable,
            handler=handler,
            options=ScheduleOptions.parse(options),
            takes_app=_takes_app(handler),
        )

    @property
    def handler_name(self) -> str:
        """Return the handler's name as logs show it."""
        return name_of(self.handler)


class Runner:
    """Run one schedule until it is stopped."""

    def __init__(self, schedule: Schedule, app: App) -> None:
        self._schedule = schedule
        handler = limited(schedule.handler, schedule.options.timeout)
        arguments = (app,) if schedule.takes_app else ()

        def call(_tick: list[None]) -> Awaitable[Any]:
            return handler(*arguments)

        call.__qualname__ = schedule.handler_name
        self._failures = Failures(log, f"{self._subject}:")
        self._stopping = asyncio.Event()
        self._runs = 0
        self._is_skipping = False
        self._dispatcher: Dispatcher[None] = Dispatcher(
            call, self._settle, schedule.options.max_concurrency
        )

    def stop(self) -> None:
        """Have `run()` start nothing more, let what runs end, and return."""
        self._stopping.set()

    async def run(self) -> None:
        """Start a run at each tick until `stop()`."""
        async with self._dispatcher, asyncio.TaskGroup() as group:
            ticking = group.create_task(self._follow())
            await self._stopping.wait()
            ticking.cancel()
            self._dispatcher.withdraw()

    async def _follow(self) -> None:
        async for _ in self._schedule.timetable.ticks():
            if self._runs < self._schedule.options.max_concurrency:
                self._runs += 1
                self._is_skipping = False
                self._dispatcher.submit([None])
            elif not self._is_skipping:
                # Said once for each time that runs take too long, not at each tick.
                self._is_skipping = True
                going_on = counted(self._runs, "run")
                log.warning("%s: skipped, with %s still going on", self._subject, going_on)

    def _settle(self, _tick: list[None], raised: BaseException | None) -> None:
        self._runs -= 1
        if raised is not None:
            self._failures.report(raised)

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


def _takes_app(handler: Handler) -> bool:
    """Tell a handler that takes the app from one that takes nothing.

    Raises: ConfigurationError, when it takes something else.
    """
    try:
        check_takes(handler, "the app")
    except ConfigurationError:
        with suppress(TypeError):
            signature_of(handler).bind()
            return False
        raise
    return True
