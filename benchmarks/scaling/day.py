"""A day's load: a curve that is zero at night and highest in the afternoon, and bursts on it."""

from dataclasses import dataclass
from math import cos, pi
from random import Random
from typing import Final, Self

SECONDS: Final = 24 * 3600
LOWEST: Final = 3.5 * 3600
"""When the curve is at its lowest; at its highest it is twelve hours later."""
QUIET: Final = 0.02
"""How much of the curve is cut off below, so that for two hours of the night nothing comes."""
BURSTS: Final = 6
LENGTHS: Final = (180, 600)
HEIGHTS: Final = (0.5, 2.0)
"""What a burst adds to the curve, in terms of its peak."""


@dataclass(frozen=True)
class Burst:
    """Say that more comes at once, and ends at once. height: messages a second."""

    start: int
    length: int
    height: float

    def covers(self, second: int) -> bool:
        """Tell whether a second is in it."""
        return self.start <= second < self.start + self.length


@dataclass(frozen=True)
class Day:
    """Hold what comes in a day. peak: messages a second where the curve is at its highest."""

    peak: float
    bursts: tuple[Burst, ...] = ()

    @classmethod
    def seeded(cls, peak: float, seed: int) -> Self:
        """Return a day whose bursts come by chance, the same for each seed."""
        chance = Random(seed)
        bursts = (
            Burst(
                start=chance.randrange(SECONDS),
                length=chance.randint(*LENGTHS),
                height=peak * chance.uniform(*HEIGHTS),
            )
            for _ in range(BURSTS)
        )
        return cls(peak, tuple(sorted(bursts, key=lambda burst: burst.start)))

    def curve(self, second: int) -> float:
        """Return messages a second, without the bursts."""
        wave = (1 - cos(2 * pi * (second - LOWEST) / SECONDS)) / 2
        return self.peak * max(wave - QUIET, 0) / (1 - QUIET)

    def arrivals(self) -> list[int]:
        """Return how many messages come in each second.

        They are whole: what follows from them is then the same on every machine.
        """
        return [
            round(self.curve(second) + sum(one.height for one in self.bursts if one.covers(second)))
            for second in range(SECONDS)
        ]
