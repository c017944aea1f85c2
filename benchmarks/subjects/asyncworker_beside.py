"""Two apps in one process, which take turns: one that is plain, and one with something more."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from asyncworker import App, Options, RouteTypes
from benchmarks import jobs
from benchmarks.subjects.asyncworker import connected, plain
from benchmarks.window import Result, Window

PLAIN: Mapping[Options, Any] = MappingProxyType({})
SETTLED = 0.03
"""Seconds after which a pause has nothing left to do: all is handled, or in the queue again."""


async def beside(
    other: App,
    job: jobs.Beside,
    options: Mapping[Options, Any] = PLAIN,
    each_slice: Callable[[], object] = lambda: None,
) -> dict[str, list[Result]]:
    """Consume by a plain app and by another with these options; return what each slice took.

    each_slice: called once in each slice of the other.
    """
    one = Side(connected(job), job, PLAIN)
    two = Side(other, job, options, each_slice)
    taken: dict[str, list[Result]] = {"plain": [], "other": []}
    async with one.app.started(), two.app.started():
        for _ in range(job.slices):
            for number in range(job.pieces):
                for side in (one, two) if number % 2 else (two, one):
                    await side.take_piece()
            taken["plain"].append(one.slice())
            taken["other"].append(two.slice())
    return taken


class Side:
    """Consume slices of the queue by one app, piece by piece."""

    def __init__(
        self,
        app: App,
        job: jobs.Beside,
        options: Mapping[Options, Any],
        each_slice: Callable[[], object] = lambda: None,
    ) -> None:
        self.app = app
        self._each_slice = each_slice
        self._pieces: list[Result] = []
        self._done = asyncio.Event()
        self._measured = Window(job.warmup, job.count, self._done.set, begun=self._begun)
        self._handler: Callable[..., Awaitable[None]] = plain(job, self._measured)
        given = {Options.BULK_SIZE: job.bulk, **options}
        app.route([job.queue], type=RouteTypes.AMQP_RABBITMQ, options=given)(self._handler)
        app.pause(self._handler)

    async def take_piece(self) -> None:
        """Consume one piece; what is in the queue beyond it stays there."""
        await asyncio.sleep(SETTLED)
        self._measured.begin()
        self._done.clear()
        self.app.resume(self._handler)
        await self._done.wait()
        self.app.pause(self._handler)
        self._pieces.append(self._measured.result())

    def slice(self) -> Result:
        """Return what the pieces took since the last slice, all together."""
        pieces, self._pieces = self._pieces, []
        return {name: sum(piece[name] for piece in pieces) for name in ("messages", "cpu", "wall")}

    def _begun(self) -> None:
        if not self._pieces:
            self._each_slice()
