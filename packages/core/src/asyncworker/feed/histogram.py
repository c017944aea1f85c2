"""How often a value was how large."""

from __future__ import annotations

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
        """Count values."""
        self.count += len(values)
        self.sum += sum(values)
        # Where there are many in a short time, they are small: few are left after the first bound.
        above = values
        for number, bound in enumerate(self.bounds):
            if above:
                above = [value for value in above if value > bound]
            self._up_to[number] += len(values) - len(above)

    def repeat(self, value: float, times: int) -> None:
        """Count one value so many times."""
        self.count += times
        self.sum += value * times
        for number, bound in enumerate(self.bounds):
            if value <= bound:
                self._up_to[number] += times

    def buckets(self) -> list[tuple[float, int]]:
        """Return each bound with how many values were not above it."""
        return list(zip(self.bounds, self._up_to, strict=True))
