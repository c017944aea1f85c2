"""How often a value was how large."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Histogram:
    """Count values up to each of some bounds, as Prometheus does.

    bounds: in ascending order; what is above the last is counted too.
    """

    def __init__(self, bounds: Iterable[float]) -> None:
        self.bounds: tuple[float, ...] = tuple(bounds)
        self.count: int = 0
        self.sum: float = 0.0
        self._up_to = [0] * len(self.bounds)

    def add(self, values: Iterable[float]) -> None:
        """Count values."""
        # Sorted, each bound is looked up once, however many they are.
        ordered = sorted(values)
        self.count += len(ordered)
        self.sum += sum(ordered)
        for number, bound in enumerate(self.bounds):
            self._up_to[number] += bisect_right(ordered, bound)

    def buckets(self) -> list[tuple[float, int]]:
        """Return each bound with how many values were not above it."""
        return list(zip(self.bounds, self._up_to, strict=True))
