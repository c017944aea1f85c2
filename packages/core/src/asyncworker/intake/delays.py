"""Delays: the clock of a route, which a test may turn, and what is due by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Delays:
    """Call functions when some time has passed, on the running loop."""

    def __init__(self) -> None:
        self.count_held: Callable[[], int] = lambda: 0
        """Returns how many items wait for a time to pass, or for one that does."""
        self._ahead = 0.0
        """Seconds that the clock was turned by."""
        self._due: dict[Delay, None] = {}

    def time(self) -> float:
        """Return what the clock shows, in seconds."""
        return asyncio.get_running_loop().time() + self._ahead

    def later(self, seconds: float, call: Callable[[], None]) -> Delay:
        """Have a function called once, unless the delay is cancelled."""
        delay = Delay(self.time() + seconds, call, self.cancel)
        self._due[delay] = None
        delay.wait(seconds)
        return delay

    def cancel(self, delay: Delay) -> None:
        """Have nothing more to do with a delay."""
        self._due.pop(delay, None)

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once, as in tests: what is due meanwhile is called now."""
        end = self.time() + seconds
        while (first := min(self._due, key=lambda one: one.at, default=None)) is not None:
            if first.at > end:
                break
            self._ahead += max(0.0, first.at - self.time())
            first.end()
        self._ahead += end - self.time()
        for delay in self._due:
            delay.wait(delay.at - end)


class Delay:
    """Be one of them.

    at: when it is over, by the clock of the route. forget: called when it is over, or cancelled.
    """

    __slots__ = ("_call", "_forget", "_handle", "at")

    def __init__(
        self, at: float, call: Callable[[], None], forget: Callable[[Delay], None]
    ) -> None:
        self.at = at
        self._call = call
        self._forget = forget
        self._handle: asyncio.TimerHandle | None = None

    def wait(self, seconds: float) -> None:
        """Be over after so many seconds."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = asyncio.get_running_loop().call_later(seconds, self.end)

    def cancel(self) -> None:
        """Call nothing."""
        if self._handle is not None:
            self._handle.cancel()
        self._forget(self)

    def end(self) -> None:
        """Be over."""
        self.cancel()
        self._call()
