"""How long a broker may need to take in what was settled."""

from __future__ import annotations

import asyncio
from typing import Final

AT_ONCE: Final = 30
"""Settlements that a quorum queue is sure to take in when a channel closes behind them.

A channel hands a quorum queue 32 at a time, each lot when the one before is on the disks, and
forgets what it has not handed on as it closes: what was acknowledged then comes again.
"""
FASTEST: Final = 5000.0
"""Settlements a second that a queue takes in while there is no hurry."""
EACH: Final = 0.002
"""Seconds for each one that is waited for: a disk may take 60 ms for a lot."""


class Pace:
    """Guess how far the broker is behind with what was settled on one channel."""

    def __init__(self) -> None:
        self._behind = 0.0
        self._at = 0.0

    def note(self, count: int) -> None:
        """Note that so many were sent together."""
        now = asyncio.get_running_loop().time()
        self._behind = max(0.0, self._behind - (now - self._at) * FASTEST) + count
        self._at = now

    async def caught_up(self) -> None:
        """Wait until what is not taken in yet is so little that it is safe."""
        self.note(0)
        await asyncio.sleep(max(0.0, self._behind - AT_ONCE) * EACH)
