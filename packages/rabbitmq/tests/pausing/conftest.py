"""Handlers that need a database, and routes that wait while it is down."""

import asyncio

import pytest


class DatabaseDown(Exception):
    """Say that nothing can be stored."""


class Database:
    """What a handler stores messages in, unless it is down."""

    def __init__(self):
        self.is_down = True
        self.asked = 0
        self.refused = set()
        """Bodies that it never takes."""
        self.stored = asyncio.Queue()

    async def store(self, messages):
        """Be a handler."""
        self.asked += 1
        # As one that waits for an answer does.
        await asyncio.sleep(0)
        if self.is_down or any(message.body in self.refused for message in messages):
            raise DatabaseDown("no answer")
        for message in messages:
            self.stored.put_nowait(message)

    async def take(self, count, limit):
        """Return the messages that were stored first."""
        async with asyncio.timeout(limit):
            return [await self.stored.get() for _ in range(count)]


@pytest.fixture
def database():
    return Database()


@pytest.fixture
def until_deep(depth, limit):
    """Wait until a queue holds so many messages."""

    async def until_deep(queue, count):
        found = None
        try:
            async with asyncio.timeout(limit):
                while (found := await depth(queue)) != count:
                    pass
        except TimeoutError:
            pytest.fail(f"queue {queue!r} holds {found} messages, not {count}")

    return until_deep
