"""What happens in the runs of an app, and who is told."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

from asyncworker.errors import ConfigurationError
from asyncworker.feed.activity import DONE, Activity
from asyncworker.feed.events import (
    BatchEnded,
    BatchStarted,
    Connected,
    Disconnected,
    Event,
    SourceChanged,
)
from asyncworker.feed.recording import Recording
from asyncworker.feed.statistics import Statistics
from asyncworker.feed.subscription import Subscription

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from asyncworker.feed.blockage import Blockage
    from asyncworker.feed.recording import Batches
    from asyncworker.routes import Handler

H = TypeVar("H", bound="Callable[..., Any]")
Phase = Literal["off", "starting", "working", "draining"]

READ_EVERY: Final = 0.1
"""Seconds between two readings of what was recorded."""
KINDS: Final = (BatchStarted, BatchEnded, SourceChanged, Connected, Disconnected)


class Reader(Protocol):
    """Be told what happens, at once and on the event loop: it must neither wait nor raise."""

    def wants(self, kind: type[Event]) -> bool:
        """Tell whether it takes events of a kind."""
        ...

    def read(self, activity: Activity, batches: Batches) -> None:
        """Take batches that ended."""
        ...

    def take(self, event: Event) -> None:
        """Take an event."""
        ...


class Feed:
    """Tell what happens in an app, batch by batch, to whoever wants to know.

    Where nobody does, nothing is recorded.

    awaitable: makes a function async that is not.
    """

    def __init__(self, awaitable: Callable[[str, Handler], Handler]) -> None:
        self.activities: list[Activity] = []
        """All handlers at work in the run, and what is published by."""
        self.phase: Phase = "off"
        self.since: float = time.time()
        """When the phase began, in seconds since 1970."""
        self.loop_lag: float = 0.0
        """How many seconds the event loop let wait what was to be done next, when last asked."""
        self.blocked: Blockage | None = None
        """What blocks the event loop, for longer than `ASYNCWORKER_BLOCKED_AFTER`."""
        self.last_blocked: Blockage | None = None
        """What did so last in this run, and does no more."""
        self.blocked_seconds: float = 0.0
        """For how long the event loop was blocked in this run, all in all."""
        self.statistics: Statistics | None = None
        """What was done so far in the run, where `keep_statistics()` was called before it."""
        self._keeps_statistics = False
        self._awaitable = awaitable
        self._readers: list[Reader] = []
        self._subscriptions: list[Subscription] = []

    def subscribe(self, *kinds: type[Event]) -> Callable[[H], H]:
        """Call the decorated function with a list of events, several times a second; return it.

        It is an async function or a plain one, which runs in a thread. While it is at it, up to
        10,000 events wait for it, and then the oldest are dropped. What it raises is logged.

        kinds: classes of this module; all of them when left out.
        Raises: ConfigurationError
        """
        for kind in kinds:
            if kind not in KINDS:
                names = ", ".join(one.__name__ for one in KINDS)
                raise ConfigurationError(f"subscribe() takes {names}, got {kind!r}")

        def decorate(function: H) -> H:
            self._check_off()
            self._subscriptions.append(
                Subscription(self._awaitable("subscriber", function), kinds or KINDS)
            )
            return function

        return decorate

    def add(self, reader: Reader) -> None:
        """Have a reader told what happens, from the next run on."""
        self._check_off()
        self._readers.append(reader)

    def keep_statistics(self) -> None:
        """Add up what is done, for each run from the next one on."""
        self._check_off()
        self._keeps_statistics = True

    def activity(self, kind: str, name: str, sources: Iterable[str], usual: str = DONE) -> Activity:
        """Return what a backend tells of one handler in this run; for backends.

        usual: the outcome of all that it does not count.
        """
        made = Activity(
            kind,
            name,
            sources,
            usual,
            self.tell,
            Recording() if self._all else None,
            tells_starts=self._is_wanted(BatchStarted),
            tells_outcomes=self._is_wanted(BatchEnded),
        )
        self.activities.append(made)
        return made

    def tell(self, event: Event) -> None:
        """Tell of something that does not happen with each batch."""
        for reader in self._all:
            if reader.wants(type(event)):
                reader.take(event)

    def enter(self, phase: Phase) -> None:
        """Note that the run has come to another phase."""
        self.phase = phase
        self.since = time.time()

    def flush(self) -> None:
        """Have readers read what is recorded so far, as before metrics are shown."""
        for activity in self.activities:
            if (batches := activity.taken()) is not None:
                for reader in self._all:
                    reader.read(activity, batches)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell of one run while the context lasts."""
        self.activities.clear()
        self.statistics = Statistics() if self._keeps_statistics else None
        self.enter("starting")
        self.loop_lag, self.blocked_seconds, self.last_blocked = 0.0, 0.0, None
        if not self._all:
            try:
                yield
            finally:
                self.enter("off")
            return
        reading = asyncio.get_running_loop().create_task(self._read())
        for subscription in self._subscriptions:
            subscription.start()
        try:
            yield
        finally:
            reading.cancel()
            self.flush()
            self.enter("off")
            for subscription in self._subscriptions:
                await subscription.end()

    async def _read(self) -> None:
        while True:
            await asyncio.sleep(READ_EVERY)
            self.flush()

    def _is_wanted(self, kind: type[Event]) -> bool:
        return any(one.wants(kind) for one in self._all)

    @property
    def _all(self) -> list[Reader]:
        own = [] if self.statistics is None else [self.statistics]
        return [*self._readers, *own, *self._subscriptions]

    def _check_off(self) -> None:
        if self.phase != "off":
            raise ConfigurationError("the app runs already: subscribe before app.run()")
