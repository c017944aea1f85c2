"""How long it takes until all works again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from tests.soak.breaker import Breaker
from tests.soak.record import Record
from tests.soak.traffic import pause

LOOK = 0.2
"""Seconds between two looks."""


class Recovery:
    """Measure from the end of the last fault until something newer of each kind was handled.

    next_numbers: the numbers that are published next. well: whether no worker has problems.
    longest: seconds, of what was measured so far. A fault that comes first ends a measurement.
    """

    def __init__(
        self,
        breaker: Breaker,
        record: Record,
        next_numbers: Callable[[], Mapping[str, int]],
        well: Callable[[], Awaitable[bool]],
    ) -> None:
        self.longest = 0.0
        self.done = asyncio.Event()
        self._breaker = breaker
        self._record = record
        self._next_numbers = next_numbers
        self._well = well

    async def watch(self, ended: asyncio.Event) -> None:
        """Measure until told to end."""
        since = 0.0
        due: Mapping[str, int] = {}
        while not ended.is_set():
            self._record.read()
            if self._breaker.active:
                self.done.clear()
                since, due = 0.0, {}
            elif not self.done.is_set():
                if not since:
                    since, due = time.monotonic(), self._next_numbers()
                elif await self._is_over(due) and not self._breaker.active:
                    self.longest = max(self.longest, time.monotonic() - since)
                    self.done.set()
            await pause(ended, LOOK)

    async def _is_over(self, due: Mapping[str, int]) -> bool:
        newest = self._record.newest
        return all(newest[kind] >= number for kind, number in due.items()) and await self._well()
