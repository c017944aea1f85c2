"""How a day went: what waited, for how long, and how many pods there were."""

from collections import Counter
from dataclasses import dataclass, field

HOUR = 3600


@dataclass
class Course:
    """Hold a day, second by second.

    backlog: messages that wait. age: seconds that the oldest of them does. pods: how many there
    are. waits: of all messages that were taken, how many waited for how many seconds.
    """

    backlog: list[int] = field(default_factory=list)
    age: list[int] = field(default_factory=list)
    pods: list[int] = field(default_factory=list)
    waits: Counter[int] = field(default_factory=Counter)

    @property
    def handled(self) -> int:
        """Return how many messages were taken."""
        return self.waits.total()

    @property
    def pod_hours(self) -> float:
        """Return what is paid for."""
        return sum(self.pods) / HOUR

    def wait(self, part: float) -> int:
        """Return the seconds that a part of all messages did not wait longer than."""
        left = part * self.handled
        for seconds, count in sorted(self.waits.items()):
            left -= count
            if left <= 0:
                return seconds
        return max(self.waits, default=0)
