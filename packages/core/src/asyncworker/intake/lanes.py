"""Lanes: what shares a key is handled one after the other, keys side by side."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable

    from asyncworker.dispatch import Dispatcher, Settle
    from asyncworker.intake.delays import Delay, Delays
    from asyncworker.intake.keys import Keys
    from asyncworker.intake.throttle import Throttle

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Place(Generic[T]):
    """Be what a batch has in the lanes of its keys, until it and what it becomes is handled.

    missing: in how many lanes another one is before it. is_first: whether it goes before those that
    never were with a handler. behind: what it became, before which its keys are not free: batches,
    and for how many seconds each sleeps first. held: items of it that are to be handled once more,
    with the same. delay: for how long it sleeps, if it does.
    """

    batch: list[T]
    keys: Collection[Hashable]
    missing: int = 0
    is_first: bool = False
    behind: deque[tuple[float, list[T]]] | None = None
    held: list[tuple[float, T]] | None = None
    delay: Delay | None = None

    @property
    def waits(self) -> bool:
        """Tell whether its batch is on the way to no handler yet."""
        return self.missing > 0 or self.delay is not None


class Lanes(Generic[T]):
    """Hand over batches so that each key is in one at a time, in the order of their arrival.

    A key is a queue of its own, for as long as it has a batch. A batch goes out when it is the
    first in the lanes of all its keys. An item whose key is None waits for no other.

    number_of: returns where an item stands in the order of arrival. onward: takes the batches that
    may be handled. dispatcher: what settles them.
    """

    def __init__(
        self,
        keys: Keys[T],
        number_of: Callable[[T], int],
        delays: Delays,
        onward: Dispatcher[T] | Throttle[T],
        dispatcher: Dispatcher[T],
    ) -> None:
        self._keys = keys
        self._number_of = number_of
        self._delays = delays
        self._onward = onward
        dispatcher.settle = self._settling(dispatcher.settle)
        self._lanes: dict[Hashable, deque[Place[T]] | None] = {}
        """What waits for each key that is taken; None for nothing."""
        self._places: dict[int, Place[T]] = {}
        """All of them, by the identity of their batch."""
        self._settled: Place[T] | None = None
        """That of the batch that is being settled."""

    def __len__(self) -> int:
        return sum(len(place.batch) for place in self._places.values() if place.waits)

    def count_held(self) -> int:
        """Return how many items sleep, or may wait for one that does."""
        is_any_asleep = any(place.delay is not None for place in self._places.values())
        return len(self) if is_any_asleep else 0

    def submit(self, batch: list[T]) -> bool:
        """Hand over a batch as soon as nothing of its keys is before it.

        Return whether anything is left of it, as items may be refused.
        """
        batch, keys = self._keys.distinct(batch)
        if batch and not self._enter(Place(batch, keys)).missing:
            self._onward.submit(batch)
        return bool(batch)

    def submit_all(self, batches: list[list[T]]) -> None:
        """Hand over batches in their order, each as soon as nothing of its keys is before it."""
        told = [Place(*one) for one in map(self._keys.distinct, batches) if one[0]]
        self._onward.submit_all([one.batch for one in told if not self._enter(one).missing])

    def submit_first(self, batches: list[list[T]]) -> None:
        """Hand over what was handled before, ahead of all else of its keys."""
        if self._settled is not None:
            became = [(0.0, batch) for batch in batches]
            self._settled.behind = deque([*became, *(self._settled.behind or ())])
            return
        # One by one: of two keys each, a batch could hold what another one waits for, and wait for
        # what that one holds.
        places = [self._first([item]) for batch in batches for item in batch]
        self._onward.submit_first([place.batch for place in places if not place.missing])

    def hold(self, item: T, seconds: float) -> None:
        """Have an item handled once more, after some time, ahead of all else of its key."""
        place = self._settled
        if place is None:
            self._put_to_sleep(self._first([item]), seconds)
        else:
            place.held = [*(place.held or ()), (seconds, item)]

    def drop(self, batch: list[T]) -> None:
        """Free the keys of a batch that was handed over and is handled by nobody.

        In a later turn of the loop, as the next of each key may be such a one too, and so on.
        """
        asyncio.get_running_loop().call_soon(self._drop, batch)

    def _drop(self, batch: list[T]) -> None:
        if (place := self._places.pop(id(batch), None)) is not None:
            self._leave(place)

    def withdraw(self) -> list[T]:
        """Return what no handler was given yet, and forget it."""
        withdrawn = self._onward.withdraw()
        back = {id(batch) for batch in withdrawn}
        items = [item for batch in withdrawn if id(batch) not in self._places for item in batch]
        running: dict[int, Place[T]] = {}
        for number, place in self._places.items():
            if number not in back and not place.waits:
                running[number] = place
            else:
                items += place.batch
                self._wake(place)
            items += [item for _, batch in place.behind or () for item in batch]
            place.behind = None
        self._places = running
        at_work = [*running.values(), *([] if self._settled is None else [self._settled])]
        self._lanes = {key: None for place in at_work for key in place.keys}
        return items

    def _first(self, batch: list[T]) -> Place[T]:
        place = Place(batch, self._keys.known(batch), is_first=True)
        return self._enter(place)

    def _enter(self, place: Place[T]) -> Place[T]:
        """Give a batch its place in the lanes of its keys."""
        self._places[id(place.batch)] = place
        lanes = self._lanes
        for key in place.keys:
            if key not in lanes:
                lanes[key] = None
                continue
            lane = lanes[key]
            if lane is None:
                lane = lanes[key] = deque()
            if place.is_first:
                lane.insert(sum(one.is_first for one in lane), place)
            else:
                lane.append(place)
            place.missing += 1
        return place

    def _settling(self, settle: Settle[T]) -> Settle[T]:
        """Return what settles a batch, and lets go on what has waited for it."""

        def settle_in_order(batch: list[T], raised: BaseException | None) -> bool | None:
            self._settled = place = self._places.pop(id(batch), None)
            try:
                return settle(batch, raised)
            finally:
                self._settled = None
                if place is not None:
                    self._leave(place)

        return settle_in_order

    def _leave(self, place: Place[T]) -> None:
        """Have handled what a batch became, or free its keys."""
        if place.behind or place.held:
            self._go_on(place)
        else:
            self._free(place.keys)

    def _go_on(self, place: Place[T]) -> None:
        """Have handled what a batch became, and free the keys that this has not."""
        behind = self._became(place)
        known = self._keys.known([item for _, batch in behind for item in batch])
        freed = [key for key in place.keys if key not in known]
        place.keys = [key for key in place.keys if key in known]
        seconds, place.batch = behind.popleft()
        place.behind, place.held = behind, None
        self._places[id(place.batch)] = place
        if seconds:
            self._put_to_sleep(place, seconds)
        else:
            self._onward.submit_first([place.batch])
        self._free(freed)

    def _became(self, place: Place[T]) -> deque[tuple[float, list[T]]]:
        """Return what is to be handled before the keys of a batch are free, in order."""
        behind = place.behind or deque()
        if not place.held:
            return behind
        if not behind:
            # Together, as they were.
            longest = max(seconds for seconds, _ in place.held)
            return deque([(longest, [item for _, item in place.held])])
        items = [(seconds, item) for seconds, batch in behind for item in batch]
        items = sorted([*place.held, *items], key=lambda one: self._number_of(one[1]))
        return deque((seconds, [item]) for seconds, item in items)

    def _put_to_sleep(self, place: Place[T], seconds: float) -> None:
        place.delay = self._delays.later(seconds, partial(self._end_sleep, place))

    def _end_sleep(self, place: Place[T]) -> None:
        self._wake(place)
        if not place.missing:
            self._onward.submit_first([place.batch])

    @staticmethod
    def _wake(place: Place[T]) -> None:
        if place.delay is not None:
            place.delay.cancel()
            place.delay = None

    def _free(self, keys: Iterable[Hashable]) -> None:
        """Let the next of each key go on."""
        lanes = self._lanes
        for key in keys:
            lane = lanes.pop(key, None)
            if lane is None:
                continue
            place = lane.popleft()
            lanes[key] = lane or None
            place.missing -= 1
            if not place.waits:
                self._onward.submit(place.batch)
