"""Throttle: batches begin at a rate, and the rest of them wait."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from asyncworker.dispatch import Dispatcher
    from asyncworker.intake.delays import Delay, Delays
    from asyncworker.intake.keys import Keys
    from asyncworker.intake.rate import Rate

T = TypeVar("T")

ROUNDING: Final = 1e-6
"""Of a token: what sums of times are off by."""


class Throttle(Generic[T]):
    """Hand batches to a dispatcher no faster than at a rate, those of each key at one of their own.

    It is the last before the handler, and hands over no more than can begin: what waited for
    something else afterwards could begin all at once.

    keys: None where there is one rate for all; else all items of a batch share a key.
    """

    def __init__(
        self, rate: Rate, delays: Delays, dispatcher: Dispatcher[T], keys: Keys[T] | None = None
    ) -> None:
        self._rate = rate
        self._delays = delays
        self._dispatcher = dispatcher
        # Not at the end of each batch: what is not held back is to cost nothing then.
        dispatcher.on_idle = self._go_on
        self._keys = keys
        self._share = 1
        self._taps: dict[Hashable, Tap[T]] = {}
        self._blocked: dict[Tap[T], None] = {}
        """Those that have tokens, and no worker is free; whichever waits longest is first."""
        self.on_dropped: Callable[[list[T]], None] = lambda _: None
        """Takes a batch of which nothing is left, as its keys cannot be told."""
        self.is_shared: bool = rate.shared
        """Whether it is for others too, of whom `share` tells."""

    def __len__(self) -> int:
        return sum(len(batch) for tap in self._taps.values() for batch in tap.held)

    def submit(self, batch: list[T]) -> None:
        """Hand over a batch when there are tokens for all of it."""
        if (tap := self._tap_of(batch)) is not None:
            tap.held.append(batch)
            self._let_go(tap, self._room())

    def submit_all(self, batches: list[list[T]]) -> None:
        """Hand over batches, in their order; for many that takes less than one by one."""
        if self._keys is not None:
            for batch in batches:
                self.submit(batch)
            return
        tap, room = self._tap(None), self._room()
        if len(batches) <= room and tap.take(sum(map(len, batches))):
            self._dispatcher.submit_all(batches)
        else:
            tap.held += batches
            self._let_go(tap, room)

    def submit_first(self, batches: list[list[T]]) -> None:
        """Hand over batches, in their order, before all that wait for the same tokens."""
        taps: dict[Tap[T], None] = {}
        for batch in reversed(batches):
            if (tap := self._tap_of(batch)) is not None:
                tap.held.appendleft(batch)
                taps[tap] = None
        for tap in taps:
            self._let_go(tap, self._room())

    def withdraw(self) -> list[list[T]]:
        """Return the batches that no handler was given yet, and forget them."""
        back = self._dispatcher.withdraw()
        for tap in self._taps.values():
            back += tap.held
            tap.held.clear()
        self._blocked.clear()
        return back

    def share(self, among: int) -> None:
        """Have the rate be one part of so many."""
        self._share = max(1, among)
        for tap in list(self._taps.values()):
            tap.set_rate(*self._part)
            self._let_go(tap, self._room())

    def _go_on(self) -> None:
        """Let batches begin that waited for a worker, one of each key in turn."""
        while self._blocked and self._room():
            tap = next(iter(self._blocked))
            del self._blocked[tap]
            self._let_go(tap, 1)

    def _let_go(self, tap: Tap[T], most: int) -> None:
        """Hand over those that may begin, up to so many, and wait for what is to come."""
        self._dispatcher.submit_all(tap.spend(most))
        if tap.has_enough:
            self._blocked[tap] = None
        # There is no end of keys: each is forgotten when it is as good as a new one.
        elif tap.held or self._keys is not None:
            tap.wait(partial(self._on_token, tap))

    def _room(self) -> int:
        """Return how many batches more can begin."""
        return max(0, self._dispatcher.concurrency - self._dispatcher.unsettled())

    def _on_token(self, tap: Tap[T]) -> None:
        if tap.held or not tap.is_full:
            self._let_go(tap, self._room())
        else:
            self._taps.pop(tap.key, None)

    def _tap_of(self, batch: list[T]) -> Tap[T] | None:
        """Return where a batch waits, or None when nothing is left of it."""
        if self._keys is None:
            return self._tap(None)
        kept, keys = self._keys.distinct(batch)
        if len(kept) < len(batch):
            # The same list: whoever handed it over knows it by that.
            batch[:] = kept
        if not batch:
            self.on_dropped(batch)
            return None
        if not keys:
            # What has no key waits for nothing, but for a worker.
            self._dispatcher.submit(batch)
            return None
        return self._tap(next(iter(keys)))

    def _tap(self, key: Hashable) -> Tap[T]:
        tap = self._taps.get(key)
        if tap is None:
            tap = self._taps[key] = Tap(key, *self._part, self._delays)
        return tap

    @property
    def _part(self) -> tuple[float, int]:
        """Return how many may begin in a second, and how many at once."""
        most = max(1, self._rate.most_at_once // self._share)
        return self._rate.per_second / self._share, most


class Tap(Generic[T]):
    """Hold the batches of one key, and the tokens that they need: one for each item.

    A batch of more items than there can be tokens begins when there are as many as can be, and
    leaves a debt.

    most: tokens that it holds at most.
    """

    def __init__(self, key: Hashable, per_second: float, most: int, delays: Delays) -> None:
        self.key = key
        self.held: deque[list[T]] = deque()
        self._per_second = per_second
        self._most = most
        self._delays = delays
        self._tokens = float(most)
        self._at = delays.time()
        self._delay: Delay | None = None

    @property
    def has_enough(self) -> bool:
        """Tell whether there are batches, and were tokens for the first one when last counted."""
        return bool(self.held) and self._tokens > self._needed - ROUNDING

    @property
    def is_full(self) -> bool:
        """Tell whether there are as many tokens as can be."""
        return self._count() > self._most - ROUNDING

    def take(self, tokens: int) -> bool:
        """Take so many tokens and return True, if they are here and no batch waits for them."""
        if self.held or self._count() < tokens:
            return False
        self._tokens -= tokens
        return True

    def spend(self, most: int) -> list[list[T]]:
        """Return the first batches for which there are tokens, up to so many, and take these."""
        self._count()
        batches: list[list[T]] = []
        while len(batches) < most and self.has_enough:
            batch = self.held.popleft()
            self._tokens -= len(batch)
            batches.append(batch)
        return batches

    def wait(self, then: Callable[[], None]) -> None:
        """Have something called when there are tokens for the first batch, or all that can be."""
        if self._delay is not None:
            if not self.held:
                # It is looked at then, however many tokens there will be.
                return
            self._delay.cancel()
        missing = max(0.0, self._needed - self._count())
        self._delay = self._delays.later(missing / self._per_second, partial(self._end_wait, then))

    def set_rate(self, per_second: float, most: int) -> None:
        """Go on at another rate."""
        self._tokens = min(self._count(), float(most))
        self._per_second, self._most = per_second, most

    def _end_wait(self, then: Callable[[], None]) -> None:
        self._delay = None
        then()

    @property
    def _needed(self) -> int:
        return min(len(self.held[0]), self._most) if self.held else self._most

    def _count(self) -> float:
        now = self._delays.time()
        self._tokens = min(self._tokens + (now - self._at) * self._per_second, float(self._most))
        self._at = now
        return self._tokens
