"""When messages go back to their queue."""

from __future__ import annotations

from typing import Final

DELAY: Final = 0.1
"""Seconds that a message is held before it goes back: one that always fails must not spin."""
SPACING: Final = 0.01
"""Seconds between two messages that go back again: however many fail, as when a database is down,
that must neither fill the log nor take the CPU."""


class RequeueDelay:
    """Set the pace at which the messages of one channel go back."""

    def __init__(self) -> None:
        self._last = 0.0

    def due(self, now: float, *, again: bool) -> float:
        """Return the time at which a message goes back that is to go back `now`.

        again: whether it may have gone back before. What fails for once is not slowed down.
        """
        if not again:
            return now + DELAY
        self._last = max(now + DELAY, self._last + SPACING)
        return self._last
