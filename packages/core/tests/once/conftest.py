"""A connection of a third party that holds locks, and an app that has it."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from asyncworker import App
from asyncworker.once import UNDECIDED


class Lock:
    """Be held, or not, as a test says."""

    def __init__(self):
        self.held = False
        self.problem = UNDECIDED
        self.turned = asyncio.Event()
        self.users = 0

    def turn(self, *, held=False, problem=None):
        self.held, self.problem = held, problem
        turned, self.turned = self.turned, asyncio.Event()
        turned.set()


@pytest.fixture
def locking(kafka):
    """Make connections that hold locks, which begin as a test says."""

    class LockingConnection(kafka.KafkaConnection):
        def __init__(self, name=None, **first):
            super().__init__(name=name)
            self.first = first
            self.locks = {}

        def lock(self, name):
            return self._lock(name)

        @asynccontextmanager
        async def _lock(self, name):
            lock = self.locks.setdefault(name, Lock())
            if self.first:
                lock.turn(**self.first)
            lock.users += 1
            try:
                yield lock
            finally:
                lock.users -= 1

    return LockingConnection


@pytest.fixture
def connection(locking):
    return locking(held=True)


@pytest.fixture
def app(connection):
    return App(connections=[connection])
