"""Intake: items on their way to the handler of a route."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from asyncworker.bucket import Bucket
from asyncworker.waiting_batch import teller

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from asyncworker.dispatch import Dispatcher
    from asyncworker.errors import Invalid
    from asyncworker.intake.delays import Delays
    from asyncworker.intake.keyed_buckets import KeyedBuckets
    from asyncworker.intake.keys import Keys
    from asyncworker.intake.lanes import Lanes
    from asyncworker.intake.options import IntakeOptions
    from asyncworker.intake.rate import Key, Rate
    from asyncworker.intake.throttle import Throttle

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Items(Generic[T]):
    """Tell what an intake has to know of the items of a backend.

    key_of: returns what tells the key that a user asked for. bytes_of: returns the size of a body.
    number_of: returns where an item stands in the order of arrival.
    refuse: takes an item whose key cannot be told, and why; no handler is given that.
    """

    key_of: Callable[[Key], Callable[[T], Hashable]]
    bytes_of: Callable[[T], int]
    number_of: Callable[[T], int]
    refuse: Callable[[T, Invalid], None]


class Intake(Generic[T]):
    """Hand items to a dispatcher: in batches, in the order of their keys, and at a rate.

    flush_interval: seconds; a batch goes out when its oldest item is that old. limit: items that
    batches wait for; when so many are here, nothing else may come. holds: whether an item may be
    held, to be handled once more.
    """

    def __init__(
        self,
        dispatcher: Dispatcher[T],
        options: IntakeOptions,
        items: Items[T],
        delays: Delays,
        handler_name: str,
        flush_interval: float,
        limit: int,
        *,
        holds: bool = False,
    ) -> None:
        self._dispatcher = dispatcher
        self._options = options
        self._items = items
        self._delays = delays
        self._limit = limit
        self.throttle = None if options.rate is None else self._make_throttle(options.rate)
        self._lanes: Lanes[T] | None = None
        if holds or options.order_by is not None:
            self._lanes = self._make_lanes(options.order_by)
        self._batches = self._make_batches(handler_name, flush_interval)
        self.extend: Callable[[list[T]], None]
        """Take items, in order."""
        self.extend = self._batches.extend if options.bulk_size > 1 else self._extend_by_one
        self._waits_for_all = options.bulk_by is None and options.bulk_bytes is None
        delays.count_held = self._count_held

    def __len__(self) -> int:
        """Return how many items are here that are not on their way to a handler yet."""
        parts = (self._batches, self._lanes, self.throttle)
        return sum(len(part) for part in parts if part is not None)

    @property
    def missing(self) -> int:
        """Return how many items have to come, at least, before a handler is given any of them."""
        return self._options.bulk_size - len(self._batches) if self._waits_for_all else 1

    def submit_first(self, batches: list[list[T]]) -> None:
        """Have batches handled that were handled before, ahead of all others."""
        self._first.submit_first(batches)

    def take_again(self, items: list[T]) -> None:
        """Take items that came before, and so come before all others of their keys."""
        if self._lanes is None:
            self.extend(items)
        else:
            self._lanes.submit_first([items])

    def try_one(self, item: T) -> bool:
        """Have one item handled alone, and return whether it may be."""
        if self._lanes is not None:
            return self._lanes.submit([item])
        self._first.submit([item])
        return True

    def hold(self, item: T, seconds: float) -> None:
        """Have an item handled once more after some time, before all others of its key."""
        assert self._lanes is not None  # noqa: S101
        self._lanes.hold(item, seconds)

    def flush(self) -> None:
        """Have no batch wait for more."""
        self._batches.flush()

    def withdraw(self) -> list[T]:
        """Return what no handler was given yet, what came first in front, and forget it."""
        if self._lanes is not None:
            items = self._lanes.withdraw()
        else:
            items = [item for batch in self._last.withdraw() for item in batch]
        return items + self._batches.clear()

    async def room(self) -> None:
        """Wait until handlers may soon need more than is here."""
        await self._dispatcher.room()
        while len(self) >= self._limit:
            await self._dispatcher.taken()

    async def drain(self) -> None:
        """Wait until all that is here is on its way to a handler, at its pace and in its order."""
        self.flush()
        while len(self):
            await self._dispatcher.taken()

    def _extend_by_one(self, items: list[T]) -> None:
        """Take items of which none waits for others."""
        self._first.submit_all([[item] for item in items])

    def _count_held(self) -> int:
        at_rate = 0 if self.throttle is None else len(self.throttle)
        return at_rate + (0 if self._lanes is None else self._lanes.count_held())

    @property
    def _last(self) -> Throttle[T] | Dispatcher[T]:
        return self._dispatcher if self.throttle is None else self.throttle

    @property
    def _first(self) -> Lanes[T] | Throttle[T] | Dispatcher[T]:
        return self._last if self._lanes is None else self._lanes

    def _make_throttle(self, rate: Rate) -> Throttle[T]:
        from asyncworker.intake.throttle import Throttle

        keys = None if rate.by is None else self._keys("Options.RATE", rate.by)
        return Throttle(rate, self._delays, self._dispatcher, keys)

    def _make_lanes(self, order_by: Key | None) -> Lanes[T]:
        from asyncworker.intake.lanes import Lanes

        keys = self._keys("Options.ORDER_BY", _no_key if order_by is None else order_by)
        number_of = self._items.number_of
        lanes = Lanes(keys, number_of, self._delays, self._last, self._dispatcher)
        if self.throttle is not None:
            self.throttle.on_dropped = lanes.drop
        return lanes

    def _make_batches(
        self, handler_name: str, flush_interval: float
    ) -> Bucket[T] | KeyedBuckets[T]:
        options = self._options
        make = partial(
            Bucket,
            options.bulk_size,
            flush_interval,
            on_wait=teller(handler_name, options.bulk_size, flush_interval),
            weigh=None if options.bulk_bytes is None else self._items.bytes_of,
            most=options.bulk_bytes or 0,
        )
        if options.bulk_by is None:
            return make(emit=self._first.submit)
        from asyncworker.intake.keyed_buckets import KeyedBuckets

        keys = self._keys("Options.BULK_BY", options.bulk_by)
        return KeyedBuckets(keys, make, self._first.submit, self._limit)

    def _keys(self, option: str, key: Key) -> Keys[T]:
        # Here, as most routes do without.
        from asyncworker.intake.keys import Keys

        return Keys(self._items.key_of(key), option, self._refuse)

    def _refuse(self, item: T, error: Invalid) -> None:
        self._items.refuse(item, error)
        # What waits until less is here is told so.
        self._dispatcher.moved()


def _no_key(_item: object) -> None:
    """Have an item wait for no other."""
