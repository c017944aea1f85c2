"""One handler at work: on what, how it goes, and what it has done."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Self

from asyncworker.feed.events import BatchStarted, SourceChanged
from asyncworker.handling.redaction import brief

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Callable, Iterable, Mapping

    from asyncworker.feed.recording import Batches, Recording

State = Literal["starting", "working", "waiting", "paused", "standing by", "draining", "ended"]
Running = dict["Task[Any] | None", tuple[float, int]]
"""When each task began that is at it, by `time.perf_counter()`, and with how many."""

DONE: Final = "done"


class Source(NamedTuple):
    """Say how it stands with a queue, a stream, a path or a timetable.

    state: "waiting" is what cannot work though it should, and `reason` says why. since: seconds
    since 1970.
    """

    state: State
    reason: str | None
    since: float


class Load(NamedTuple):
    """Say how much there is to do now.

    in_flight: how many handlers are at. waiting: how many are here and wait for one.
    oldest: seconds since the oldest came that is not settled.
    """

    in_flight: int
    waiting: int
    oldest: float


class Activity:
    """Hold what is known of one handler in a run, for whoever reads the feed.

    kind: "rabbitmq", "sse", "http", "schedule" or "publish", or what else a backend is. name: of
    the handler, or of the connection that is published by.
    sources: what it works on: queues, streams, methods and paths, a timetable.
    usual: the outcome of all that nobody counts otherwise.
    recording: what is told of each batch; None where nobody wants to know.
    tells_starts: whether it is told when each begins. tells_outcomes: what became of each.

    As an `async with` it is over when that is left.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        sources: Iterable[str],
        usual: str,
        tell: Callable[[BatchStarted | SourceChanged], None],
        recording: Recording | None,
        *,
        tells_starts: bool = False,
        tells_outcomes: bool = False,
    ) -> None:
        self.kind: str = kind
        self.name: str = name
        self.sources: dict[str, Source] = {
            one: Source("starting", None, time.time()) for one in sources
        }
        self.recording: Recording | None = recording
        self.counts: bool = recording is not None and len(self.sources) != 1
        """Whether each outcome is to be counted, as it may be of one source or another."""
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """How many came to which end, by source and outcome, up to the last reading."""
        self.failures: int = 0
        """How many batches ended by what was raised."""
        self.last_error: tuple[str, float] | None = None
        """What was raised last, in short, and when, in seconds since 1970."""
        self.running: Callable[[], Running] = recording.running if recording is not None else dict
        """Return what is being handled."""
        self.waiting: Callable[[], int] = int
        """Return how many are here and wait for a handler."""
        self.oldest: Callable[[], float] = self._longest
        """Return for how many seconds the oldest is here that is not settled."""
        self.ages: Callable[[], list[float]] = list
        """Return how many seconds ago some were sent that were settled since the last call."""
        self._usual = usual
        self._tell = tell
        self._tells_starts = tells_starts
        self._tells_outcomes = tells_outcomes
        self._read_at = 0.0
        self._told: Counter[tuple[str, str]] = Counter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for source in self.sources:
            self._change(source, "ended", None)

    def __repr__(self) -> str:
        return f"<Activity: {self.kind}, {self.name}>"

    def works(self, source: str) -> None:
        """Note that a source is worked on."""
        self._change(source, "working", None)

    def waits(self, source: str, reason: str) -> None:
        """Note that a source cannot be worked on, and why."""
        self._change(source, "waiting", reason)

    def pauses(self, source: str, reason: str) -> None:
        """Note that nothing is taken from a source for a while, on purpose, and why."""
        self._change(source, "paused", reason)

    def stands_by(self, source: str, reason: str) -> None:
        """Note that another process works on a source that is worked on once, and why."""
        self._change(source, "standing by", reason)

    def is_over(self, source: str, reason: str) -> None:
        """Note that a source has come to its end by itself, and why."""
        self._change(source, "ended", reason)

    def drains(self) -> None:
        """Note that nothing more is taken."""
        for source in self.sources:
            self._change(source, "draining", None)

    def count(self, source: str, outcome: str, number: int = 1) -> None:
        """Count what came to an end."""
        self.outcomes[source, outcome] += number

    def counted(self, raised: BaseException | None) -> None:
        """Note that the outcomes of the batch that is to end next are counted already."""
        if raised is not None:
            self.failures += 1
            self.last_error = brief(raised), time.time()
        if self.recording is not None:
            outcomes = self._outcomes_since() if self._tells_outcomes else {}
            self.recording.tell(raised, outcomes)

    def load(self) -> Load:
        """Return how much there is to do now."""
        in_flight = sum(size for _, size in self.running().values())
        return Load(in_flight, self.waiting(), self.oldest())

    def taken(self) -> Batches | None:
        """Return the batches that ended since the last call, and count what is usual of them."""
        batches = None if self.recording is None else self.recording.taken()
        if self._tells_starts:
            self._tell_starts(batches)
        if batches is not None:
            usual = batches.items - sum(batches.bulks.get(one, 1) for one in batches.unusual)
            if usual:
                self.outcomes[self.usual] += usual
            if self._tells_outcomes:
                self._told = self.outcomes.copy()
        return batches

    @property
    def usual(self) -> tuple[str, str]:
        """Return the source and the outcome of what nobody counts otherwise."""
        return next(iter(self.sources), ""), self._usual

    def _longest(self) -> float:
        now = time.perf_counter()
        return max((now - began for began, _ in self.running().values()), default=0.0)

    def _tell_starts(self, batches: Batches | None) -> None:
        """Tell of the batches that began since the last call, whether they ended already or not."""
        now, epoch = time.perf_counter(), time.time() - time.perf_counter()
        starts = list(self.running().values())
        if batches is not None:
            starts += zip(batches.began, batches.sizes, strict=True)
        for began, size in sorted(starts):
            if began > self._read_at:
                self._tell(BatchStarted(self, size, epoch + began))
        self._read_at = now

    def _outcomes_since(self) -> Mapping[tuple[str, str], int]:
        since = self.outcomes - self._told
        self._told = self.outcomes.copy()
        return since

    def _change(self, source: str, state: State, reason: str | None) -> None:
        before = self.sources.get(source)
        if before is not None and before[:2] == (state, reason):
            return
        now = time.time()
        since = before.since if before is not None and before.state == state else now
        self.sources[source] = Source(state, reason, since)
        self._tell(SourceChanged(self, source, state, reason, now))
