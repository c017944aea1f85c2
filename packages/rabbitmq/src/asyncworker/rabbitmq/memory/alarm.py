"""A call that is due at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


_ahead = 0.0
"""Seconds by which tests have turned the time forward."""


class Alarm:
    """Make one call when it is due, on whichever loop is running when the time is set."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._when: float | None = None
        self._handle: asyncio.TimerHandle | None = None

    def set(self, when: float | None) -> None:
        """Have the call made then, in seconds of the loop's clock, and at no other time."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._when = when
        if when is not None:
            self._handle = asyncio.get_running_loop().call_at(when - _ahead, self._call)

    def again(self) -> None:
        """Mind that the time was turned forward."""
        self.set(self._when)


def now() -> float:
    """Return the time of the running loop, in seconds, and as many more as were skipped."""
    return asyncio.get_running_loop().time() + _ahead


def skip(seconds: float) -> None:
    """Turn the time forward, for all brokers: alarms that are set have to be told."""
    global _ahead
    _ahead += seconds
