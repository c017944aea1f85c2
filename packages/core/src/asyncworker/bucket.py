"""Groups of items, by size or by age."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Bucket"]

T = TypeVar("T")

PATIENCE: Final = 5.0
"""Seconds after which who watches a worker that does nothing asks why."""


class Bucket(Generic[T]):
    """Collect items into batches.

    size: items in a full batch. max_age: seconds; a batch goes out when its *oldest* item is that
    old. emit: takes each batch, in the order of arrival. on_wait: called once, with the number of
    items, when the first batch that is not full waits for longer than a few seconds.
    weigh: returns how much of `most` an item takes; a batch holds no more, but for an item alone.
    """

    def __init__(
        self,
        size: int,
        max_age: float,
        emit: Callable[[list[T]], object],
        on_wait: Callable[[int], None] | None = None,
        *,
        weigh: Callable[[T], int] | None = None,
        most: int = 0,
    ) -> None:
        self._size = size
        self._max_age = max_age
        self._emit = emit
        self._on_wait = on_wait if max_age > PATIENCE else None
        self._weigh = weigh
        self._most = most
        self._weight = 0
        self._items: list[T] = []
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: T) -> None:
        """Take one item; emit the batch that it completes, and one that it does not fit into."""
        if self._weigh is not None:
            weight = self._weigh(item)
            if self._items and self._weight + weight > self._most:
                self.flush()
            self._weight += weight
        self._items.append(item)
        self._emit_or_wait()

    def extend(self, items: list[T]) -> None:
        """Take items in order; emit each batch that they complete."""
        if self._size == 1:
            # Nothing is ever held.
            for item in items:
                self._emit([item])
            return
        if self._weigh is not None:
            for item in items:
                self.add(item)
            return
        taken = 0
        while taken < len(items):
            up_to = taken + self._size - len(self._items)
            self._items += items[taken:up_to]
            taken = up_to
            self._emit_or_wait()

    def flush(self) -> None:
        """Emit what is here, if anything is."""
        if items := self.clear():
            self._emit(items)

    def clear(self) -> list[T]:
        """Empty the bucket without emitting, and return what was in it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        items, self._items = self._items, []
        self._weight = 0
        return items

    def _emit_or_wait(self) -> None:
        if len(self._items) >= self._size or (self._weigh and self._weight >= self._most):
            self.flush()
        elif self._timer is None:
            later = asyncio.get_running_loop().call_later
            if self._on_wait is None:
                self._timer = later(self._max_age, self.flush)
            else:
                self._timer = later(PATIENCE, self._wait_on, self._on_wait)

    def _wait_on(self, tell: Callable[[int], None]) -> None:
        self._on_wait = None
        self._timer = asyncio.get_running_loop().call_later(self._max_age - PATIENCE, self.flush)
        tell(len(self._items))
