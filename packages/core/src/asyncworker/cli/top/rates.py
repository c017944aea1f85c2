"""How much was done in each second lately."""

from __future__ import annotations

from collections import Counter, deque
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asyncworker.status import Snapshot
    from asyncworker.status.shapes import Work

KEPT: Final = 13
"""Snapshots between which rates are told."""
SMOOTH: Final = 10
"""Of how many rates the mean is shown."""
BARS: Final = "▁▂▃▄▅▆▇█"

Key = tuple[str, str, int]


class Rates:
    """Derive rates from the totals of one snapshot and the next."""

    def __init__(self) -> None:
        self._samples: dict[Key, deque[tuple[float, int]]] = {}

    def note(self, snapshot: Snapshot) -> None:
        """Take a snapshot; forget what is not in it any more."""
        before, self._samples = self._samples, {}
        done = chain(snapshot["routes"], snapshot["schedules"], snapshot["publishing"])
        for key, work in keyed(done):
            samples = before.get(key) or deque(maxlen=KEPT)
            if not samples or samples[-1][0] < snapshot["at"]:
                samples.append((snapshot["at"], work["handled"]))
            self._samples[key] = samples

    def now(self, key: Key) -> float:
        """Return the rate of the last seconds."""
        rates = self._of(key)[-SMOOTH:]
        return sum(rates) / len(rates) if rates else 0.0

    def line(self, key: Key) -> str:
        """Return the rates as bars, the highest of which is the largest rate."""
        rates = self._of(key)
        most = max(rates, default=0.0) or 1.0
        return "".join(BARS[round(rate / most * (len(BARS) - 1))] for rate in rates)

    def _of(self, key: Key) -> list[float]:
        # After a process was replaced it is less than before.
        return [
            max(0, after[1] - before[1]) / (after[0] - before[0])
            for before, after in pairwise(self._samples.get(key, ()))
        ]


def keyed(works: Iterable[Work]) -> Iterator[tuple[Key, Work]]:
    """Yield what is done, with what tells it apart from what is called the same."""
    numbers: Counter[tuple[str, str]] = Counter()
    for work in works:
        name = work["kind"], work["name"]
        yield (*name, numbers[name]), work
        numbers[name] += 1
