"""The clock that schedules follow in tests: it stands still until it is turned."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from asyncworker.routes import standing_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from asyncworker.routes import Handler
    from asyncworker.schedules.schedule import Schedule, Timetable
    from asyncworker.testing.journal import Journal


class StoppedClock:
    """Show the time of the start to schedules, and later times when they are told to it."""

    def __init__(self, journal: Journal, schedules: Iterable[Schedule] = ()) -> None:
        self.now = datetime.now(UTC)
        self._journal = journal
        self._followers = [Follower(one, self, journal) for one in schedules]

    @property
    def schedules(self) -> list[Schedule]:
        """Return the schedules as they follow this clock."""
        return [one.schedule for one in self._followers]

    @property
    def next_tick(self) -> datetime | None:
        """Return when the next tick is due, None for never."""
        return min((one.due for one in self._followers if one.due is not None), default=None)

    def again(self) -> None:
        """Have all schedules begin anew, as in another process."""
        for one in self._followers:
            one.due, one.is_running = self.now, False

    def turn(self, now: datetime) -> None:
        """Show a later time."""
        self.now = now
        self._journal.changed()

    def unready(self) -> list[str]:
        """Return which schedules have still to notice what the time is, a line each."""
        return [f"{one.subject} is due" for one in self._followers if one.is_behind]

    def busy(self) -> list[str]:
        """Return which schedules are due or run, a line each."""
        return self.unready() + [f"{one.subject} runs" for one in self._followers if one.is_running]


class Follower:
    """Have one schedule follow a clock; it is the timetable of that schedule.

    due: when the next tick is, None when there is none.
    """

    def __init__(self, schedule: Schedule, clock: StoppedClock, journal: Journal) -> None:
        self.due: datetime | None = clock.now
        self.is_running = False
        self._timetable: Timetable = schedule.timetable
        self.subject = f"handler {schedule.handler_name}, {schedule.timetable}"
        self._clock = clock
        self._journal = journal
        self.schedule = replace(
            schedule,
            timetable=self,
            handler=self._watched(schedule.handler),
            left_out=self._left_out,
        )

    @property
    def is_behind(self) -> bool:
        """Tell whether a tick is due that has not come."""
        return self.due is not None and self.due <= self._clock.now

    def moments(self, start: datetime) -> Iterable[datetime]:
        """Yield when each tick is due."""
        return self._timetable.moments(start)

    async def ticks(self) -> AsyncIterator[None]:
        """Yield at each tick."""
        try:
            for moment in self.moments(self._clock.now):
                self.due = moment
                self._journal.changed()
                while not self.is_behind:
                    await self._journal.next_change()
                # From here on, as the handler is called in a later turn of the loop.
                self.is_running = True
                yield
        finally:
            self.due = None
            self._journal.changed()

    def _left_out(self) -> None:
        self.is_running = False
        self._journal.changed()

    def _watched(self, handler: Handler) -> Handler:
        @standing_for(handler)
        async def watch(*arguments: Any) -> Any:
            try:
                return await handler(*arguments)
            except Exception as error:
                self._journal.errors.append(error)
                raise
            finally:
                self.is_running = False
                self._journal.changed()

        return watch

    def __str__(self) -> str:
        return str(self._timetable)
