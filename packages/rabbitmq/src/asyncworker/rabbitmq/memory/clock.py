"""The time as the brokers of this process have it, and what is due by it."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_ahead = 0.0
"""Seconds by which tests have turned the time forward."""
_standing: float | None = None
"""The time, where it stands still but for what is skipped."""
_until: float | None = None
"""When that is over."""


def now() -> float:
    """Return the time of the running loop, in seconds, and as many more as were skipped."""
    return asyncio.get_running_loop().time() + _ahead if _standing is None else _standing


def skip(seconds: float) -> None:
    """Turn the time forward, for all brokers: timers that are set have to be told."""
    global _ahead, _standing
    _ahead += seconds
    if _standing is not None:
        _standing += seconds


@contextmanager
def skipping(seconds: float) -> Iterator[float]:
    """Have no time pass but what is skipped, up to so many seconds; yield when they are over.

    So no work makes anything late.
    """
    global _standing, _until
    _standing = now()
    _until = _standing + seconds
    try:
        yield _until
    finally:
        _standing = _until = None


class Timer:
    """Make one call when it is due, on whichever loop is running when the time is set."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self.when: float | None = None
        """The time that is set, by `now()`; it stays when the call was made."""
        self._handle: asyncio.TimerHandle | None = None

    def set(self, when: float | None) -> None:
        """Have the call made then, by `now()`, and at no other time."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self.when = when
        if when is not None:
            self._handle = asyncio.get_running_loop().call_at(when - _ahead, self._call)

    def again(self) -> None:
        """Mind that the time was turned forward."""
        self.set(self.when)


class Deadlines(Generic[T]):
    """Hold what is to be done by a time each, and make known what was not."""

    def __init__(self) -> None:
        self._open: dict[T, tuple[float, Callable[[list[T]], None]]] = {}
        self._timer = Timer(self._look)
        self._next = 0.0

    def add(self, one: T, seconds: float, missed: Callable[[list[T]], None]) -> None:
        """Have something done within so many seconds, or `missed` called with all that was not.

        Nobody can do anything while time is skipped.
        """
        due = (now() if _until is None else _until) + seconds
        self._open[one] = due, missed
        if len(self._open) == 1 or due < self._next:
            self._wake(due)

    def done(self, one: T) -> None:
        """Mind something no longer."""
        if self._open.pop(one, None) is not None and not self._open:
            self._wake(None)

    def again(self) -> None:
        """Mind that the time was turned forward."""
        self._timer.again()

    def stop(self) -> None:
        """Mind nothing any more; no loop need run."""
        self._open.clear()
        self._wake(None)

    def _look(self) -> None:
        late: dict[Callable[[list[T]], None], list[T]] = {}
        for one, (due, missed) in list(self._open.items()):
            if due <= now():
                late.setdefault(missed, []).append(one)
                del self._open[one]
        self._wake(min((due for due, _ in self._open.values()), default=None))
        for missed, those in late.items():
            missed(those)

    def _wake(self, when: float | None) -> None:
        self._next = when or 0.0
        self._timer.set(when)
