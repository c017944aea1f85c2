"""Work that many wait for, and one does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class SingleFlight:
    """Have one of those who need work done do it, while the others wait for it."""

    def __init__(self) -> None:
        self._landed: asyncio.Event | None = None

    async def until(
        self, is_done: Callable[[], bool], work: Callable[[], Awaitable[object]]
    ) -> None:
        """Return when it is done, by whomever.

        Raises: what the work raises, to the one who did it; of the others the next one tries.
        """
        while not is_done():
            if self._landed is not None:
                # All go on together. Behind a lock each would take a turn of the loop, and in a
                # busy one the turns of hundreds are longer than any of them may wait.
                await self._landed.wait()
                continue
            landed = self._landed = asyncio.Event()
            try:
                await work()
            finally:
                self._landed = None
                landed.set()
