"""Messages that wait: first in, first out, in whole seconds."""

from collections import deque
from collections.abc import Iterator


class Backlog:
    """Know how many wait, and for how long the first of them does."""

    def __init__(self) -> None:
        self.length = 0
        # When they came, and how many of them are left.
        self._waiting: deque[tuple[int, int]] = deque()

    def put(self, second: int, count: int) -> None:
        """Add what comes in a second."""
        if count:
            self._waiting.append((second, count))
            self.length += count

    def take(self, second: int, most: int) -> Iterator[tuple[int, int]]:
        """Take the oldest; yield for how many seconds they waited, and how many of them did."""
        while most and self._waiting:
            came, count = self._waiting.popleft()
            taken = min(count, most)
            if taken < count:
                self._waiting.appendleft((came, count - taken))
            self.length -= taken
            most -= taken
            yield second - came, taken

    def age(self, second: int) -> int:
        """Return for how many seconds the oldest waits."""
        return second - self._waiting[0][0] if self._waiting else 0
