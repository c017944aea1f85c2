"""Batches that ended, until the feed is read: the hot path of whoever is watched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from asyncworker.handling.redaction import brief

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Mapping, Sequence

    Outcomes = Mapping[tuple[str, str], int]


class Unusual(NamedTuple):
    """Hold what is told of a batch whose outcomes are not all the usual one.

    error: what was raised, in short. outcomes: those since the batch before, by source and outcome.
    """

    error: str | None
    outcomes: Outcomes


class Batches(NamedTuple):
    """Hold batches that ended, in that order.

    began: by `time.perf_counter()`. seconds: how long each took.
    bulks: by their numbers in these lists, of how many those were that were not of one.
    unusual: by their numbers, those that did not just come to the usual outcome.
    """

    began: Sequence[float]
    seconds: Sequence[float]
    bulks: Mapping[int, int]
    unusual: Mapping[int, Unusual]

    @property
    def sizes(self) -> list[int]:
        """Return of how many each was."""
        sizes = [1] * len(self.seconds)
        for number, size in self.bulks.items():
            sizes[number] = size
        return sizes

    @property
    def items(self) -> int:
        """Return of how many they were together."""
        return len(self.seconds) - len(self.bulks) + sum(self.bulks.values())


class Recording:
    """Note when batches begin and how long they take.

    The columns are lists, so that a batch costs little more than what is appended to them.
    """

    def __init__(self) -> None:
        self.began: list[float] = []
        self.seconds: list[float] = []
        self.bulks: dict[int, int] = {}
        self._unusual: dict[int, Unusual] = {}
        self._running: dict[Task[Any] | None, tuple[float, int]] = {}

    def begin(self, worker: Task[Any] | None, size: int) -> None:
        """Note that a task begins with so many."""
        self._running[worker] = time.perf_counter(), size

    def end(self, worker: Task[Any] | None) -> None:
        """Note that a task is done with them."""
        began, size = self._running.pop(worker)
        if size != 1:
            self.bulks[len(self.seconds)] = size
        self.began.append(began)
        self.seconds.append(time.perf_counter() - began)

    def tell(self, raised: BaseException | None, outcomes: Outcomes) -> None:
        """Note what became of the batch that is to end next."""
        error = None if raised is None else brief(raised)
        self._unusual[len(self.seconds)] = Unusual(error, outcomes)

    def running(self) -> dict[Task[Any] | None, tuple[float, int]]:
        """Return when each task began that is at it, and with how many."""
        return self._running.copy()

    def taken(self) -> Batches | None:
        """Return what ended since the last call, or None when nothing has."""
        if not self.seconds:
            return None
        batches = Batches(self.began.copy(), self.seconds.copy(), self.bulks.copy(), self._unusual)
        self._unusual = {}
        # In place: workers hold on to them.
        for column in (self.began, self.seconds, self.bulks):
            column.clear()
        return batches
