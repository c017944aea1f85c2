"""Replicas: apps with one schedule, each with a connection of its own."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from asyncworker import App
from asyncworker.health import health
from asyncworker.rabbitmq import AMQPConnection

SOON = 0.05
"""Seconds between two looks, and between two ticks."""


class Replica:
    """An app that does something once among all, in the place of a process."""

    def __init__(self, url, *, limit, **options):
        self.connection = AMQPConnection(url=url, **options)
        self.app = App(connections=[self.connection])
        self.runs = 0
        self.may_end = asyncio.Event()
        self.may_end.set()
        self._limit = limit
        self._ran = asyncio.Event()
        self._stack = AsyncExitStack()

    async def start(self):
        await self._stack.enter_async_context(self.app.started())
        return self

    async def stop(self):
        await self._stack.aclose()

    async def run(self):
        """Be the handler of a schedule."""
        self.runs += 1
        self._ran.set()
        await self.may_end.wait()

    async def ran(self):
        """Wait for one run more."""
        self._ran.clear()
        async with asyncio.timeout(self._limit):
            await self._ran.wait()

    async def stands(self, state):
        """Wait until a source of the app is in a state; return why it is."""
        async with asyncio.timeout(self._limit):
            while True:
                for one in health(self.app)["routes"]:
                    if one["state"] == state:
                        return one["reason"]
                await asyncio.sleep(0.01)

    async def turned(self, state):
        """Wait until it stands so with all locks: held, or held by another."""
        async with asyncio.timeout(self._limit):
            for lock in self.locks:
                while {True: "held", False: lock.problem or "held by another"}[lock.held] != state:
                    await lock.turned.wait()

    @property
    def locks(self):
        return self.connection.locks.all

    async def lose_connection(self):
        """Lose the connection that holds locks."""
        connection = self.connection.locks._link._connection.transport.connection
        await connection.close(ConnectionAbortedError("the operator closed it"))


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Let those who stand by look often."""
    monkeypatch.setattr("asyncworker.rabbitmq.locking.queue_lock.LOOK_EVERY", SOON)


@pytest.fixture
async def replica(amqp_url, limit):
    """Make replicas; those that still run are ended."""
    made = []

    def make(once="tests", url=amqp_url, **options):
        one = Replica(url, limit=limit, **options)
        one.app.run_every(SOON, once=once)(one.run)
        made.append(one)
        return one

    yield make
    for one in made:
        one.may_end.set()
        await one.stop()
