"""A function that is told what happens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from asyncworker.feed.events import BatchEnded
from asyncworker.handling.repeated_failures import Failures
from asyncworker.handling.uncancellable import abandon_unresponsive, log_abandoned
from asyncworker.routes import name_of

if TYPE_CHECKING:
    from asyncworker.feed.activity import Activity
    from asyncworker.feed.events import Event
    from asyncworker.feed.recording import Batches
    from asyncworker.routes import Handler

log = logging.getLogger(__name__)

MOST: Final = 10_000
"""Events that wait for a function which is slow."""
GRACE: Final = 1.0
"""Seconds that it has at the end of a run for those that still wait, and after a cancellation."""


class Subscription:
    """Call one function with what happened since its last call, in a task of its own."""

    def __init__(self, function: Handler, kinds: tuple[type[Event], ...]) -> None:
        self._function = function
        self._kinds = frozenset(kinds)
        self._name = name_of(function)
        self._failures = Failures(log, f"subscriber {self._name}")
        self._events: deque[Event] = deque(maxlen=MOST)
        self._filled = asyncio.Event()
        self._dropped = 0
        self._is_ending = False
        self._task: asyncio.Task[None] | None = None

    def wants(self, kind: type[Event]) -> bool:
        """Tell whether it takes events of a kind."""
        return kind in self._kinds

    def read(self, activity: Activity, batches: Batches) -> None:
        """Take batches that ended."""
        if BatchEnded not in self._kinds:
            return
        epoch = time.time() - time.perf_counter()
        columns = zip(batches.began, batches.seconds, batches.sizes, strict=True)
        for number, (began, seconds, size) in enumerate(columns):
            error, outcomes = batches.unusual.get(number, (None, {activity.usual: size}))
            self.take(BatchEnded(activity, size, epoch + began, seconds, outcomes, error))

    def take(self, event: Event) -> None:
        """Have the function told of an event."""
        if len(self._events) == MOST:
            self._drop()
        self._events.append(event)
        self._filled.set()

    def start(self) -> None:
        """Begin to call the function."""
        self._filled = asyncio.Event()
        self._is_ending = False
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def end(self) -> None:
        """Have the function told what it was not told yet, within `GRACE`, and stop."""
        if self._task is None:
            return
        self._is_ending = True
        self._filled.set()
        await asyncio.wait([self._task], timeout=GRACE)
        self._task.cancel()
        if await abandon_unresponsive({self._task}, GRACE):
            log_abandoned(log, f"subscriber {self._name}")
        self._task = None

    async def _run(self) -> None:
        while not self._is_ending or self._events:
            await self._filled.wait()
            self._filled.clear()
            events = list(self._events)
            self._events.clear()
            self._dropped = 0
            if events:
                await self._call(events)

    async def _call(self, events: list[Event]) -> None:
        try:
            await self._function(events)
        except Exception as error:  # noqa: BLE001 (users' code may raise anything)
            self._failures.report(error)

    def _drop(self) -> None:
        if not self._dropped:
            log.warning(
                "subscriber %s is slow: %d events wait for it, and the oldest are dropped",
                self._name,
                MOST,
            )
        self._dropped += 1
