"""What clients have of a quorum queue and are to settle in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.rabbitmq.memory.alarm import Alarm, now

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.rabbitmq.memory.message import Unsettled


class Loans:
    """Hold deliveries that are due at a time, and take back those that were not settled by then.

    take_back: called with them.
    """

    def __init__(self, take_back: Callable[[list[Unsettled]], None]) -> None:
        self._take_back = take_back
        self._open: dict[Unsettled, float] = {}
        self._alarm = Alarm(self._look)
        self._next = 0.0

    def add(self, one: Unsettled, seconds: float) -> None:
        """Have a delivery settled within so many seconds."""
        due = self._open[one] = now() + seconds
        if len(self._open) == 1 or due < self._next:
            self._wake(due)

    def end(self, one: Unsettled) -> None:
        """Mind a delivery no longer."""
        if self._open.pop(one, None) is not None and not self._open:
            self._wake(None)

    def again(self) -> None:
        """Mind that the time was turned forward."""
        self._alarm.again()

    def stop(self) -> None:
        """Mind nothing any more; no loop need run."""
        self._open.clear()
        self._wake(None)

    def _look(self) -> None:
        late = [one for one, due in self._open.items() if due <= now()]
        for one in late:
            del self._open[one]
        self._wake(min(self._open.values(), default=None))
        if late:
            self._take_back(late)

    def _wake(self, when: float | None) -> None:
        self._next = when or 0.0
        self._alarm.set(when)
