"""Pace: how fast a handler is, as somebody says or as a worker measured it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from asyncworker.cli.monitor import parsed, where
from asyncworker.cli.top.source import PATH, take
from asyncworker.errors import AsyncWorkerError

if TYPE_CHECKING:
    from asyncworker.backend import Backlog
    from asyncworker.status import Snapshot


@dataclass(frozen=True, slots=True)
class Pace:
    """Say how many seconds a batch takes, and how many items are in it."""

    seconds: float
    items: float

    def per_second(self, batches: int) -> float:
        """Return how many items are handled in a second, with so many batches side by side."""
        return batches * self.items / self.seconds


PaceOf: TypeAlias = Callable[["Backlog"], Pace]


def given(seconds: float) -> PaceOf:
    """Return the pace of handlers that take so long for a batch, which is full."""
    return lambda backlog: Pace(seconds, backlog.bulk_size)


def measured(url: str) -> PaceOf:
    """Return the pace of handlers as the monitor of a running worker tells it.

    Raises: AsyncWorkerError, when nobody tells it
    """
    monitor = parsed(url)
    snapshot, place = take(monitor), where(monitor, PATH)
    return lambda backlog: _of(snapshot, backlog, place)


def _of(snapshot: Snapshot, backlog: Backlog, place: str) -> Pace:
    handler = backlog.route.handler_name
    works = [
        work
        for work in snapshot["routes"]
        if work["name"] == handler and backlog.source in {one["name"] for one in work["sources"]}
    ]
    batches = sum(work["batches"] for work in works)
    handled = sum(work["handled"] for work in works)
    seconds = sum(work["seconds"] for work in works)
    if not batches or not handled or not seconds:
        known = "has handled nothing yet" if works else "is not there"
        raise AsyncWorkerError(
            f"handler {handler} of {backlog.source!r} {known} according to {place}: "
            "let it work for a while, or say --handler-seconds"
        )
    return Pace(seconds / batches, handled / batches)
