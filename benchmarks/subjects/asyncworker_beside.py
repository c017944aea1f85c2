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
    async with one.app.started(), two.app.started():
        for number in range(job.slices):
            for side in (one, two) if number % 2 else (two, one):
                await side.take_turn()
    return {"plain": one.taken, "other": two.taken}


class Side:
    """Consume slices of the queue by one app."""

    def __init__(
        self,
        app: App,
        job: jobs.Beside,
        options: Mapping[Options, Any],
        each_slice: Callable[[], object] = lambda: None,
    ) -> None:
        self.app = app
        self.taken: list[Result] = []
        self._done = asyncio.Event()
        self._measured = Window(job.warmup, job.count, self._done.set, begun=each_slice)
        self._handler: Callable[..., Awaitable[None]] = plain(job, self._measured)
        given = {Options.BULK_SIZE: job.bulk, **options}
        app.route([job.queue], type=RouteTypes.AMQP_RABBITMQ, options=given)(self._handler)
        app.pause(self._handler)

    async def take_turn(self) -> None:
        """Consume one slice; what is in the queue beyond it stays there."""
        await asyncio.sleep(SETTLED)
        self._measured.begin()
        self._done.clear()
        self.app.resume(self._handler)
        await self._done.wait()
        self.app.pause(self._handler)
        self.taken.append(self._measured.result())
