"""Ticks at the times that a cron expression names."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from asyncworker.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

LONGEST_SLEEP: Final = 60.0
"""Seconds between two looks at the clock at the most: it may be set."""
CORRECTION: Final = timedelta(hours=3)
"""What a clock has to step to be taken for one that was wrong before, as cron(8) has it."""


@dataclass(frozen=True, slots=True)
class Cron:
    """Tick when the clock on the wall of a time zone matches a cron expression."""

    expression: str
    timezone: tzinfo

    @classmethod
    def parse(cls, expression: str, timezone: str | tzinfo) -> Cron:
        """Return an expression with its time zone, checked.

        Raises: ConfigurationError
        """
        if not isinstance(expression, str):
            raise ConfigurationError(
                f"run_at() takes a cron expression, got {expression!r}: run_every() takes seconds"
            )
        cron = cls(expression, _zone(timezone))
        if cron.next(_now()) is None:
            raise ConfigurationError(f"the cron expression {expression!r} never matches")
        return cron

    def next(self, after: datetime) -> datetime | None:
        """Return the first match after that moment, in UTC; None, when there is none.

        Raises: ConfigurationError
        """
        # The library looks at the wall alone: in an hour that the end of summer time repeats, it
        # may name what the first of the two held.
        for match in _matches(self.expression, after.astimezone(self.timezone)):
            if (moment := match.astimezone(UTC)) > after:
                return moment
        return None

    async def ticks(self) -> AsyncIterator[None]:
        """Yield at each tick; those that pass meanwhile are left out.

        A clock that is set back repeats none; one that is set forward leaves out all but one. When
        it steps further than CORRECTION, the new time counts alone.
        """
        latest = _now()
        due = self.next(latest)
        while due is not None:
            now = _now()
            if abs(now - latest) > CORRECTION:
                latest, due = now, self.next(now)
            elif due <= now:
                yield
                latest, due = now, self.next(now)
            else:
                latest = max(latest, now)
                await asyncio.sleep(min((due - now).total_seconds(), LONGEST_SLEEP))

    def moments(self, start: datetime) -> Iterator[datetime]:
        """Yield when each tick is due, in UTC."""
        due = self.next(start)
        while due is not None:
            yield due
            due = self.next(due)

    def __str__(self) -> str:
        return f"at {self.expression!r} {self.timezone}"


def _now() -> datetime:
    return datetime.now(UTC)


def _matches(expression: str, start: datetime) -> Iterator[datetime]:
    try:
        from cronsim import CronSim, CronSimError
    except ImportError:
        raise ConfigurationError(
            "cron expressions need cronsim: pip install asyncworker-core[cron]"
        ) from None
    try:
        return CronSim(expression, start)
    except (CronSimError, ValueError) as error:
        raise ConfigurationError(
            f"the cron expression {expression!r} cannot be read ({error}): "
            "write minute, hour, day of month, month, day of week, as '30 2 * * MON-FRI'"
        ) from None


def _zone(timezone: str | tzinfo) -> tzinfo:
    if isinstance(timezone, tzinfo):
        return timezone
    if timezone == "UTC":
        # Known even where no time zones are installed.
        return UTC
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, TypeError, ValueError, OSError):
        raise ConfigurationError(
            f"unknown time zone {timezone!r}: write one as 'Europe/Berlin' "
            "(where the system has none: pip install tzdata)"
        ) from None
