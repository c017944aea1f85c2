"""Batches that hold one key each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from asyncworker.bucket import Bucket
    from asyncworker.intake.keys import Keys

T = TypeVar("T")


class KeyedBuckets(Generic[T]):
    """Collect the items of each key into batches of their own.

    make: returns a bucket whose batches go to what it is given. emit: takes each batch. limit: when
    so many items are held, the batch that has waited longest goes out: nothing else may come.
    """

    def __init__(
        self,
        keys: Keys[T],
        make: Callable[[Callable[[list[T]], None]], Bucket[T]],
        emit: Callable[[list[T]], object],
        limit: int,
    ) -> None:
        self._keys = keys
        self._make = make
        self._emit = emit
        self._limit = limit
        self._buckets: dict[Hashable, Bucket[T]] = {}
        """Those that hold something, in the order of their oldest items."""
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def extend(self, items: list[T]) -> None:
        """Take items in order; emit each batch that they complete."""
        for key, item in self._keys.pairs(items):
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._buckets[key] = self._make(partial(self._go_out, key))
            self._count += 1
            bucket.add(item)
            if len(bucket):
                # It may have gone out to make room for this item.
                self._buckets.setdefault(key, bucket)
        while self._count >= self._limit and self._buckets:
            next(iter(self._buckets.values())).flush()

    def flush(self) -> None:
        """Emit what is here."""
        for bucket in list(self._buckets.values()):
            bucket.flush()

    def clear(self) -> list[T]:
        """Return what is here, and forget it."""
        items = [item for bucket in self._buckets.values() for item in bucket.clear()]
        self._buckets.clear()
        self._count = 0
        return items

    def _go_out(self, key: Hashable, batch: list[T]) -> None:
        self._count -= len(batch)
        self._buckets.pop(key, None)
        self._emit(batch)
