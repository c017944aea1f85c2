"""Answers of the broker to many messages, which one task waits for."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


class Answers:
    """Collect the answers to so many messages behind one future.

    errors: what each came to, in their order; None is a confirm.
    """

    def __init__(self, count: int, loop: asyncio.AbstractEventLoop) -> None:
        self.errors: list[Exception | None] = [None] * count
        self.all: asyncio.Future[None] = loop.create_future()
        self._missing = count
        self._runs: list[tuple[int, int]] = []

    def begin(self, number: int, place: int) -> None:
        """Have the message at a place be published with a number, and each after it with the next.

        Until it begins again, further on: others are published between.
        """
        self._runs.append((number, place))

    def place_of(self, number: int) -> int:
        """Return which of them was published with a number."""
        first, place = self._runs[bisect_right(self._runs, number, key=itemgetter(0)) - 1]
        return place + number - first

    def confirm(self) -> None:
        """Take a confirm of one of them."""
        self._missing -= 1
        if not self._missing and not self.all.done():
            self.all.set_result(None)

    def fail(self, place: int, error: Exception) -> None:
        """Take what came in place of a confirm."""
        self.errors[place] = error
        self.confirm()
