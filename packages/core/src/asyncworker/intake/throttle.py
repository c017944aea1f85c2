"""Throttle: items go on at a rate, and the rest of them wait."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from asyncworker.intake.delays import Delay, Delays
    from asyncworker.intake.keys import Keys
    from asyncworker.intake.rate import Rate

T = TypeVar("T")

ROUNDING: Final = 1e-6
"""Of a token: what sums of times are off by."""


class Throttle(Generic[T]):
    """Hold items back that come faster than a rate, those of each key for themselves.

    onward: takes items that may begin. keys: None where there is one rate for all.
    """

    def __init__(
        self,
        rate: Rate,
        onward: Callable[[list[T]], None],
        delays: Delays,
        keys: Keys[T] | None = None,
    ) -> None:
        self._rate = rate
        self.onward = onward
        self._delays = delays
        self._keys = keys
        self._share = 1
        self._taps: dict[Hashable, Tap[T]] = {}
        self.is_shared: bool = rate.shared
        """Whether it is for others too, of whom `share` tells."""

    def __len__(self) -> int:
        return sum(map(len, self._taps.values()))

    def extend(self, items: list[T]) -> None:
        """Let items go on in order, as many as may; hold the others until they may."""
        if self._keys is None:
            self._tap(None).take(items)
            return
        for key, item in self._keys.pairs(items):
            if key is None:
                self.onward([item])
            else:
                self._tap(key).take([item])

    def clear(self) -> list[T]:
        """Return what is held, and forget it."""
        return [item for tap in self._taps.values() for item in tap.clear()]

    def share(self, among: int) -> None:
        """Have the rate be one part of so many."""
        self._share = max(1, among)
        for tap in list(self._taps.values()):
            tap.set_rate(*self._part)

    def _go_on(self, items: list[T]) -> None:
        # Asked for each time, as it changes when a route drains.
        self.onward(items)

    @property
    def _part(self) -> tuple[float, int]:
        """Return how many may begin in a second, and how many at once."""
        most = max(1, self._rate.most_at_once // self._share)
        return self._rate.per_second / self._share, most

    def _tap(self, key: Hashable) -> Tap[T]:
        tap = self._taps.get(key)
        if tap is None:
            # One for all stays; those of keys go when they rest, as there is no end of keys.
            on_full = None if self._keys is None else partial(self._taps.pop, key, None)
            tap = self._taps[key] = Tap(*self._part, self._go_on, self._delays, on_full)
        return tap


class Tap(Generic[T]):
    """Hold the items of one key, and the tokens that each of them needs to go on.

    most: tokens that it holds at most. on_full: called when it holds no items, and as many tokens
    as a new one.
    """

    def __init__(
        self,
        per_second: float,
        most: int,
        onward: Callable[[list[T]], None],
        delays: Delays,
        on_full: Callable[[], object] | None,
    ) -> None:
        self._per_second = per_second
        self._most = most
        self._onward = onward
        self._delays = delays
        self._on_full = on_full
        self._tokens = float(most)
        self._at = delays.time()
        self._held: deque[T] = deque()
        self._delay: Delay | None = None

    def __len__(self) -> int:
        return len(self._held)

    def take(self, items: list[T]) -> None:
        """Let items go on, or hold them."""
        if not self._held and self._count() >= len(items):
            self._tokens -= len(items)
            self._onward(items)
            if self._on_full is not None and self._delay is None:
                self._wait_for(self._most)
        else:
            self._held += items
            self._let_go()

    def clear(self) -> list[T]:
        """Return what is held, and forget it."""
        items = list(self._held)
        self._held.clear()
        return items

    def set_rate(self, per_second: float, most: int) -> None:
        """Go on at another rate."""
        self._tokens = min(self._count(), float(most))
        self._per_second, self._most = per_second, most
        if self._held:
            self._let_go()

    def _let_go(self) -> None:
        """Let as many go on as may, and wait for what is to come."""
        count = min(int(self._count()), len(self._held))
        if count:
            self._tokens -= count
            self._onward([self._held.popleft() for _ in range(count)])
        if self._held:
            self._wait_for(1)
        elif self._on_full is not None:
            self._wait_for(self._most)

    def _wait_for(self, tokens: int) -> None:
        if self._delay is not None:
            self._delay.cancel()
        seconds = max(0.0, (tokens - self._tokens) / self._per_second)
        self._delay = self._delays.later(seconds, self._on_tokens)

    def _on_tokens(self) -> None:
        self._delay = None
        if self._held:
            # It is due, however the sums of the clock are rounded.
            self._tokens = max(self._count(), 1.0)
            self._let_go()
        elif self._on_full is not None:
            if self._count() > self._most - ROUNDING:
                self._on_full()
            else:
                self._wait_for(self._most)

    def _count(self) -> float:
        """Return how many tokens there are."""
        now = self._delays.time()
        self._tokens = min(self._tokens + (now - self._at) * self._per_second, float(self._most))
        self._at = now
        return self._tokens
