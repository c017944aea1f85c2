"""Several processes of one app, each started again when it dies."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from asyncworker.backoff import Backoff

if TYPE_CHECKING:
    from asyncworker.processes.children import Child, Children

log = logging.getLogger(__name__)

FIRST_DELAY: Final = 0.5
MAX_DELAY: Final = 30.0
"""Seconds between the death of a process and the start of the next, at first and at the most."""
HEALTHY_AFTER: Final = 10.0
"""Seconds that a process must last for its death to be a new one, not one of a series."""


class Supervisor:
    """Keep `count` processes running: the first alone, the others once that has started.

    So an app that cannot start says so once, and what the first listens on is there for the others.
    One that says it is worn is drained and replaced, one at a time.
    folder: in which they find each other.
    """

    def __init__(self, children: Children, count: int, folder: str) -> None:
        self._children = children
        self._count = count
        self._folder = folder
        self._codes: list[int] = []
        self._missing = set(range(1, count + 1))
        self._complete = asyncio.Event()

    async def run(self) -> int:
        """Return the worst exit code, once each process was stopped or ended without a failure."""
        async with asyncio.TaskGroup() as group:
            first = group.create_task(self._keep(1))
            started = group.create_task(self._children.started.wait())
            await asyncio.wait([first, started], return_when=asyncio.FIRST_COMPLETED)
            started.cancel()
            if self._children.started.is_set() and not self._children.stopping.is_set():
                for number in range(2, self._count + 1):
                    group.create_task(self._keep(number))
        return max(self._codes)

    async def _keep(self, number: int) -> None:
        """Run one process after another in the same place, until one ends as it should."""
        backoff = Backoff(FIRST_DELAY, MAX_DELAY)
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            code, is_replaced = await self._run(number)
            self._vacate(number)
            if is_healthy := clock() - began > HEALTHY_AFTER:
                backoff.reset()
            if self._is_over(code, is_replaced=is_replaced):
                break
            if not (is_replaced and is_healthy) and await self._stopped_within(backoff.delay()):
                break
        self._codes.append(code)
        # None waits for a place that is given up.
        self._fill(number)

    async def _run(self, number: int) -> tuple[int, bool]:
        """Run one process to its end; return its exit code, and whether it was to be replaced."""
        place = ("--siblings", str(number), str(self._count), self._folder)
        try:
            child = await self._children.start(*place)
        except OSError as error:
            # The machine has no room for it now.
            log.error("cannot start a process: %s", error)  # noqa: TRY400 (its words suffice)
            return 1, False
        async with asyncio.TaskGroup() as group:
            minding = group.create_task(self._mind(child, number))
            code = await self._children.end_of(child)
            minding.cancel()
        return code, child.is_replaced

    async def _mind(self, child: Child, number: int) -> None:
        """Drain a process that is worn, once all others are at work."""
        await child.started.wait()
        self._fill(number)
        await child.worn.wait()
        # Several may have waited for the same moment, of which one goes.
        while self._missing:
            await self._complete.wait()
        if not self._children.stopping.is_set():
            self._vacate(number)
            log.info("replacing process %d", child.pid)
            child.drain()

    def _fill(self, number: int) -> None:
        """Note that a process is at work in a place."""
        self._missing.discard(number)
        if not self._missing:
            self._complete.set()

    def _vacate(self, number: int) -> None:
        """Note that none is."""
        self._missing.add(number)
        self._complete.clear()

    def _is_over(self, code: int, *, is_replaced: bool) -> bool:
        """Tell whether a process that ended so is the last of its kind."""
        # As long as none has started, the app is what fails.
        is_hopeless = not self._children.started.is_set()
        is_done = code == 0 and not is_replaced
        return is_done or is_hopeless or self._children.stopping.is_set()

    async def _stopped_within(self, delay: float) -> bool:
        """Wait, and tell whether a stop signal came meanwhile."""
        log.info("starting another process in %.1f s", delay)
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._children.stopping.wait()
        return self._children.stopping.is_set()
