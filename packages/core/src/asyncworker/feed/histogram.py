"""How often a value was how large."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Histogram:
    """Count values up to each of some bounds, as Prometheus does.

    bounds: in ascending order; what is above the last is counted too.
    """

    def __init__(self, bounds: Iterable[float]) -> None:
        self.bounds: tuple[float, ...] = tuple(bounds)
        self.count: int = 0
        self.sum: float = 0.0
        self._up_to = [0] * len(self.bounds)

    def add(self, values: Sequence[float]) -> None:
        """Count values, of which there are some."""
        self.count += len(values)
        self.sum += sum(values)
        first = bisect_left(self.bounds, min(values))
        last = bisect_left(self.bounds, max(values))
        if first < last:
            # Sorted, each bound is looked up once, however many they are. Mostly there is no need.
            ordered = sorted(values)
            for number in range(first, last):
                self._up_to[number] += bisect_right(ordered, self.bounds[number])
        for number in range(last, len(self.bounds)):
            self._up_to[number] += len(values)

    def buckets(self) -> list[tuple[float, int]]:
        """Return each bound with how many values were not above it."""
        return list(zip(self.bounds, self._up_to, strict=True))
