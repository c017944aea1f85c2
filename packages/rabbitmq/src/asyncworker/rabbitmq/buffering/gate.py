"""What keeps handlers waiting while messages are in danger."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW: Final = 0.05
"""Seconds from the first consumer of a run in which nothing is handed out."""


class Gate:
    """Let no route of an app hand anything out while messages are being kept alive.

    A handler may be what ends the process each time, before the messages of another queue are safe,
    which count as come back each time too. So the gate is closed at the beginning of a run as well,
    until all queues have sent what they hold for it.
    """

    def __init__(self) -> None:
        self._reasons = 0
        self._waiting: list[Callable[[], None]] = []
        self._window: asyncio.TimerHandle | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether messages may be handed out."""
        return not self._reasons

    def begin(self) -> None:
        """Close for the beginning of a run; again and later it changes nothing."""
        if self._window is None:
            self.close()
            self._window = asyncio.get_running_loop().call_later(WINDOW, self.reopen)

    def end(self) -> None:
        """Have nothing due any more."""
        if self._window is not None:
            self._window.cancel()

    def close(self) -> None:
        """Close for one reason more, until `reopen()` is called for it."""
        self._reasons += 1

    def reopen(self) -> None:
        """Open, unless there is another reason to be closed; release what waits."""
        self._reasons -= 1
        if not self._reasons:
            waiting, self._waiting = self._waiting, []
            for release in waiting:
                release()

    def wait(self, release: Callable[[], None]) -> None:
        """Have something called when the gate opens."""
        self._waiting.append(release)
