"""StreamPlace: where a route is in one stream."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from asyncworker.cursors.progress import Progress
from asyncworker.rabbitmq.streams.offset import ago, argument_of

if TYPE_CHECKING:
    from asyncworker.rabbitmq.streams.offset import Offset

MARGIN: Final = 1.0
"""Seconds that more is read again, as times of a stream are those of its chunks."""


class StreamPlace:
    """Know what of a stream is handled, to go on behind that on each channel.

    begin: where it begins, as long as nothing was delivered.
    """

    def __init__(self, begin: Offset) -> None:
        self._begin = begin
        self._began_at: float | None = None
        self._progress: Progress[int, int | None] = Progress(None)
        self._is_fresh = True

    @property
    def handled_up_to(self) -> int | None:
        """Return the offset up to which all is handled; None for nothing."""
        return self._progress.place

    @property
    def has_begun(self) -> bool:
        """Tell whether it was read before, in this run."""
        return self._began_at is not None

    def go_on_behind(self, offset: int) -> None:
        """Begin behind what was handled before."""
        self._begin = offset + 1

    def argument(self) -> Any:
        """Return where the broker is to go on, as Basic.Consume says it."""
        self._is_fresh = True
        if (handled := self.handled_up_to) is not None:
            return handled + 1
        if (first := self._progress.first) is not None:
            return first
        return self._beginning()

    def came(self, offset: int) -> bool:
        """Note a message; return whether it is new here, and not one that comes again."""
        if self._is_fresh:
            self._is_fresh = False
            self._forget_until(offset)
        latest = self._progress.latest
        if latest is not None and offset <= latest:
            return False
        self._progress.came(offset, offset)
        return True

    def is_handled(self, offset: int) -> bool:
        """Tell whether a message that came is handled."""
        return not self._progress.is_open(offset)

    def handled(self, offset: int) -> None:
        """Note that a message is handled."""
        self._progress.handled(offset)

    def _forget_until(self, offset: int) -> None:
        """Forget what has become too old, or too much, and does not come any more."""
        while (first := self._progress.first) is not None and first < offset:
            self._progress.handled(first)

    def _beginning(self) -> Any:
        """Return where to begin. What is counted from now is counted from the first time."""
        now = asyncio.get_running_loop().time()
        if self._began_at is None:
            self._began_at = now
            return argument_of(self._begin)
        passed = now - self._began_at + MARGIN
        if isinstance(self._begin, timedelta):
            return ago(self._begin.total_seconds() + passed)
        # What came meanwhile is more than the last chunk may hold.
        return ago(passed) if self._begin in ("next", "last") else argument_of(self._begin)
