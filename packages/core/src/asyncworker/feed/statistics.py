"""What was done so far, added up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from asyncworker.feed.events import Connected, Disconnected
from asyncworker.feed.histogram import Histogram

if TYPE_CHECKING:
    from asyncworker.feed.activity import Activity
    from asyncworker.feed.events import Event
    from asyncworker.feed.recording import Batches

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
AGES: Final = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400)
SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


@dataclass(slots=True)
class Totals:
    """Add up what one activity did: how long each batch took, in seconds, and how large it was."""

    seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    sizes: Histogram = field(default_factory=lambda: Histogram(SIZES))
    ages: Histogram = field(default_factory=lambda: Histogram(AGES))
    """Of some: how long after it was sent each was settled, in seconds."""


class Statistics:
    """Add up what happens in a run, to be read at any time after `Feed.flush()`."""

    def __init__(self) -> None:
        self.totals: dict[Activity, Totals] = {}
        self.connections: dict[str, bool] = {}
        """Which connections are open, by name."""
        self.lost: Counter[str] = Counter()
        """How often each connection was lost."""

    def wants(self, kind: type[Event]) -> bool:
        """Tell that it takes what happens to connections."""
        return kind in {Connected, Disconnected}

    def read(self, activity: Activity, batches: Batches) -> None:
        """Add batches that ended."""
        totals = self.totals.setdefault(activity, Totals())
        totals.seconds.add(batches.seconds)
        totals.sizes.repeat(1, len(batches.seconds) - len(batches.bulks))
        for size, times in Counter(batches.bulks.values()).items():
            totals.sizes.repeat(size, times)
        if ages := activity.ages():
            totals.ages.add(ages)

    def take(self, event: Event) -> None:
        """Note what became of a connection."""
        if isinstance(event, (Connected, Disconnected)):
            self.connections[event.connection] = isinstance(event, Connected)
            self.lost[event.connection] += isinstance(event, Disconnected)
