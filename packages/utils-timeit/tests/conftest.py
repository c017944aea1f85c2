"""A clock to turn by hand, and callbacks that keep what they are given."""

import asyncio
from contextvars import ContextVar

import pytest

import asyncworker.utils.timeit


class Clock:
    """Tell a time of its own to each task and each thread, so that a mix of two would show."""

    def __init__(self):
        self._now = ContextVar("now", default=0.0)

    def __call__(self):
        return self._now.get()

    def advance(self, seconds):
        self._now.set(self._now.get() + seconds)


class Reports(list):
    """Collect the keywords of each call of a callback."""

    async def callback(self, **keywords):
        self.append(keywords)

    def plain_callback(self, **keywords):
        self.append(keywords)

    @property
    def transactions(self):
        return [report["transactions"] for report in self]


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(asyncworker.utils.timeit, "perf_counter", clock)
    return clock


@pytest.fixture
def reports():
    return Reports()


@pytest.fixture
def cancelled():
    """Run what is to be cancelled as soon as it has entered; return its task."""

    async def cancelled(work, entered):
        task = asyncio.create_task(work)
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return task

    return cancelled
