"""Delays between attempts."""

from __future__ import annotations

import asyncio
import random

__all__ = ["Backoff"]


class Backoff:
    """Wait longer after each failure, with jitter, up to a limit.

    first, limit: seconds. Each delay is drawn from the upper half of what it may be, so that many
    clients neither knock at once nor at once again.
    """

    def __init__(self, first: float = 0.1, limit: float = 3.0) -> None:
        self._first = first
        self._limit = limit
        self._next = first

    def delay(self) -> float:
        """Return the next delay in seconds."""
        ceiling = self._next
        self._next = min(ceiling * 2, self._limit)
        return ceiling * random.uniform(0.5, 1.0)  # noqa: S311 (jitter is no secret)

    def reset(self) -> None:
        """Start again from the first delay, after a success."""
        self._next = self._first

    async def wait(self) -> None:
        """Sleep for the next delay; cancelling the caller ends it at once."""
        await asyncio.sleep(self.delay())
