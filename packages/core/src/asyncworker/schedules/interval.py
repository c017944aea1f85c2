"""Ticks at a fixed distance."""

from __future__ import annotations

import asyncio
import math
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from asyncworker.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@dataclass(frozen=True, slots=True)
class Interval:
    """Tick every `seconds`, for the first time `first` seconds after the start.

    Raises: ConfigurationError
    """

    seconds: float
    first: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.seconds, str):
            raise ConfigurationError(
                f"run_every() takes seconds, got {self.seconds!r}: run_at() takes cron expressions"
            )
        if not (_is_finite(self.seconds) and self.seconds > 0):
            raise ConfigurationError(
                f"run_every() takes seconds, a number greater than 0, got {self.seconds!r}"
            )
        if not (_is_finite(self.first) and self.first >= 0):
            raise ConfigurationError(
                f"first is the seconds until the first run, 0 or more, got {self.first!r}"
            )

    async def ticks(self) -> AsyncIterator[None]:
        """Yield at each tick; those that pass meanwhile are left out.

        The clock is the loop's, which never steps, and each tick is counted from the first one, so
        that delays do not add up.
        """
        clock = asyncio.get_running_loop().time
        start = clock() + self.first
        number = 0
        while True:
            await asyncio.sleep(start + number * self.seconds - clock())
            yield
            # A timer may be early by the resolution of the clock, and must not tick twice.
            number = max(number, math.floor((clock() - start) / self.seconds)) + 1

    def moments(self, start: datetime) -> Iterator[datetime]:
        """Yield when each tick is due, to the microsecond."""
        with suppress(OverflowError):
            # What is beyond the calendar never comes.
            for number in count():
                yield start + timedelta(seconds=self.first + number * self.seconds)

    def __str__(self) -> str:
        return f"every {self.seconds:g} s"


def _is_finite(value: object) -> bool:
    """Tell a number from what is none, not finite, or too large for the arithmetic of clocks."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) <= sys.float_info.max
