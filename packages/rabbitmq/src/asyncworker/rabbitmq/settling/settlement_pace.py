"""How long a broker may need to take in what was settled."""

from __future__ import annotations

import asyncio
from typing import Final

AT_ONCE: Final = 30
"""Settlements that a quorum queue is sure to take in when a channel closes behind them.

A channel hands a quorum queue 32 at a time, each lot when the one before is on the disks, and
forgets what it has not handed on as it closes: what was acknowledged then comes again.
"""
EACH: Final = 0.003
"""Seconds that it may need for each of the others: a disk may take 90 ms for a lot."""


class SettlementPace:
    """Guess how far the broker is behind with what was settled on one channel.

    prefetch: the most that it can be behind, as it delivers no more before.
    """

    def __init__(self, prefetch: int) -> None:
        self._prefetch = prefetch
        self._behind = 0.0
        self._at = 0.0

    def note(self, count: int) -> None:
        """Note that so many were sent together."""
        now = asyncio.get_running_loop().time()
        left = max(0.0, self._behind - (now - self._at) / EACH)
        self._behind = min(left + count, self._prefetch)
        self._at = now

    async def caught_up(self) -> None:
        """Wait until what is not taken in yet is so little that it is safe."""
        self.note(0)
        await asyncio.sleep(max(0.0, self._behind - AT_ONCE) * EACH)
