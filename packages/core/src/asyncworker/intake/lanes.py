"""Lanes: what shares a key is handled one after the other, keys side by side."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable

    from asyncworker.dispatch import Dispatcher, Settle
    from asyncworker.intake.delays import Delay, Delays
    from asyncworker.intake.keys import Keys

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Place(Generic[T]):
    """Be what a batch has in the lanes of its keys, until it and what it becomes is handled.

    missing: in how many lanes another one is before it. behind: batches that it became, before
    which its keys are not free. held, seconds: items to be handled once more, before those, and
    after how long. delay: for how long it sleeps, if it does.
    """

    batch: list[T]
    keys: Collection[Hashable]
    missing: int = 0
    behind: deque[list[T]] | None = None
    held: list[T] | None = None
    seconds: float = 0.0
    delay: Delay | None = None

    @property
    def waits(self) -> bool:
        """Tell whether its batch is on the way to no handler yet."""
        return self.missing > 0 or self.delay is not None


class Lanes(Generic[T]):
    """Hand over batches so that each key is in one at a time, in the order of their arrival.

    A key is a queue of its own, for as long as it has a batch. A batch goes out when it is the
    first in the lanes of all its keys. An item whose key is None waits for no other.
    """

    def __init__(self, keys: Keys[T], delays: Delays, dispatcher: Dispatcher[T]) -> None:
        self._keys = keys
        self._delays = delays
        self._dispatcher = dispatcher
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

    def submit(self, batch: list[T]) -> None:
        """Hand over a batch as soon as nothing of its keys is before it."""
        batch, keys = self._keys.distinct(batch)
        if not batch:
            return
        place = Place(batch, keys)
        self._enter(place, deque.append)
        if not place.missing:
            self._dispatcher.submit(batch)

    def submit_first(self, batches: list[list[T]]) -> None:
        """Hand over what the batch became that is being settled, before all else of its keys."""
        if self._settled is not None:
            self._settled.behind = deque([*batches, *(self._settled.behind or ())])
            return
        for batch in reversed(batches):
            place = Place(batch, self._keys.known(batch))
            self._enter(place, deque.appendleft)
            if not place.missing:
                self._dispatcher.submit_first([batch])

    def hold(self, item: T, seconds: float) -> None:
        """Have an item of the batch that is being settled handled once more, after some time."""
        place = self._settled
        if place is None:
            place = Place([item], self._keys.known([item]))
            self._enter(place, deque.appendleft)
            self._put_to_sleep(place, seconds)
        else:
            place.held = [*(place.held or ()), item]
            place.seconds = max(place.seconds, seconds)

    def withdraw(self) -> list[T]:
        """Return what no handler was given yet, and forget it."""
        back = {id(batch) for batch in self._dispatcher.withdraw()}
        items: list[T] = []
        running: dict[int, Place[T]] = {}
        for number, place in self._places.items():
            if number not in back and not place.waits:
                running[number] = place
            else:
                items += place.batch
                self._wake(place)
            items += [item for batch in place.behind or () for item in batch]
            place.behind = None
        self._places = running
        at_work = [*running.values(), *([] if self._settled is None else [self._settled])]
        self._lanes = {key: None for place in at_work for key in place.keys}
        return items

    def _enter(self, place: Place[T], put: Callable[[deque[Place[T]], Place[T]], None]) -> None:
        """Give a batch its place in the lanes of its keys. put: puts it behind all, or before."""
        lanes = self._lanes
        for key in place.keys:
            if key not in lanes:
                lanes[key] = None
                continue
            lane = lanes[key]
            if lane is None:
                lane = lanes[key] = deque()
            put(lane, place)
            place.missing += 1
        self._places[id(place.batch)] = place

    def _settling(self, settle: Settle[T]) -> Settle[T]:
        """Return what settles a batch, and lets go on what has waited for it."""

        def settle_in_order(batch: list[T], raised: BaseException | None) -> bool | None:
            self._settled = place = self._places.pop(id(batch), None)
            try:
                return settle(batch, raised)
            finally:
                self._settled = None
                if place is not None:
                    self._go_on(place)

        return settle_in_order

    def _go_on(self, place: Place[T]) -> None:
        """Have handled what a batch became, or free its keys."""
        behind = place.behind or deque()
        if place.held is not None:
            behind.appendleft(place.held)
        if not behind:
            self._free(place.keys)
            return
        known = self._keys.known([item for batch in behind for item in batch])
        self._free(key for key in place.keys if key not in known)
        place.keys = [key for key in place.keys if key in known]
        place.batch, place.behind = behind.popleft(), behind
        self._places[id(place.batch)] = place
        if place.held is None:
            self._dispatcher.submit_first([place.batch])
            return
        place.held = None
        self._put_to_sleep(place, place.seconds)

    def _put_to_sleep(self, place: Place[T], seconds: float) -> None:
        place.delay = self._delays.later(seconds, partial(self._end_sleep, place))

    def _end_sleep(self, place: Place[T]) -> None:
        self._wake(place)
        if not place.missing:
            self._dispatcher.submit_first([place.batch])

    def _wake(self, place: Place[T]) -> None:
        if place.delay is not None:
            place.delay.cancel()
            place.delay, place.seconds = None, 0.0

    def _free(self, keys: Iterable[Hashable]) -> None:
        """Let the next of each key go on."""
        lanes = self._lanes
        for key in keys:
            lane = lanes[key]
            if lane is None:
                del lanes[key]
                continue
            place = lane.popleft()
            if not lane:
                lanes[key] = None
            place.missing -= 1
            if not place.waits:
                self._dispatcher.submit(place.batch)
