"""Replicas: apps that share the shards of one queue, each with a connection of its own."""

import asyncio
import uuid
from collections import defaultdict
from contextlib import AsyncExitStack
from itertools import pairwise

import pytest

from asyncworker import App, RouteTypes
from asyncworker.health import health
from asyncworker.rabbitmq import AMQPConnection, Message, Queue, Shards

SOON = 0.05
"""Seconds between two looks."""
COUNT = 8


class Shop:
    """What all replicas have handled, and who is at what."""

    def __init__(self, limit):
        self.handled = []
        """Who handled which number of which key, in order."""
        self.busy = set()
        self._limit = limit
        self._changed = asyncio.Event()

    def changed(self):
        self._changed.set()

    async def until(self, condition):
        async with asyncio.timeout(self._limit):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def has(self, count):
        """Wait until so many different messages were handled."""
        await self.until(lambda: len({one[1:] for one in self.handled}) >= count)

    def keys(self):
        """Return the numbers of each key, in the order in which they were first handled."""
        found = defaultdict(dict)
        for _, key, number in self.handled:
            found[key][number] = None
        return {key: list(numbers) for key, numbers in found.items()}

    def overtaken(self):
        """Return, for each key out of order, who handled which number around the first such."""
        found = {}
        for key in {key for _, key, _ in self.handled}:
            firsts = {}
            for by, own, number in self.handled:
                if own == key:
                    firsts.setdefault(number, by)
            numbers = list(firsts)
            late = [at for at, (one, two) in enumerate(pairwise(numbers)) if one > two]
            if late:
                around = numbers[max(0, late[0] - 3) : late[0] + 4]
                found[key] = [(number, firsts[number]) for number in around]
        return found


class Replica:
    """An app that has a part of the shards, in the place of a process."""

    def __init__(self, name, url, shards, shop, limit, **given):
        self.name = name
        self.connection = AMQPConnection(url=url)
        self.app = App(connections=[self.connection])
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.failing = {}
        """How often each number fails."""
        self.links = []
        self._shards = shards
        self._shop = shop
        self._limit = limit
        self._stack = AsyncExitStack()
        self._link = self.connection.link
        self.connection.link = self._noted_link
        self.handler = self.handle
        """What `pause()` knows the route by: each time that a method is asked for it is another."""
        self.app.route([shards], type=RouteTypes.AMQP_RABBITMQ, **given)(self.handler)

    async def handle(self, messages):
        for message in messages:
            key, number = message.body
            assert key not in self._shop.busy, "one key with two handlers"
            self._shop.busy.add(key)
            self._shop.changed()
            try:
                await self.may_end.wait()
                await asyncio.sleep(0)
                if self.failing.get(number, 0) > 0:
                    self.failing[number] -= 1
                    raise ConnectionError("no answer")
            finally:
                self._shop.busy.discard(key)
                self._shop.changed()
            self._shop.handled.append((self.name, key, number))
            self._shop.changed()

    async def start(self):
        await self._stack.enter_async_context(self.app.started())
        return self

    async def stop(self):
        self.may_end.set()
        await self._stack.aclose()

    async def holds(self, *counts):
        """Wait until it consumes so many shards and stands by for the others; return which."""
        async with asyncio.timeout(self._limit):
            while not (  # noqa: ASYNC110
                len(self._in("working")) in counts
                and len(self._in("working")) + len(self._in("standing by")) == self._shards.count
            ):
                await asyncio.sleep(0.01)
        return self._in("working")

    def _in(self, state):
        found = [one["source"] for one in health(self.app)["routes"] if one["state"] == state]
        return {int(source.rpartition(".")[2]) for source in found}

    def _noted_link(self, vhost):
        link = self._link(vhost)
        self.links.append(link)
        return link

    async def lose_connections(self):
        """Lose all connections, as when the network breaks off."""
        for link in self.links:
            if link._connection is not None and link._connection.transport is not None:
                transport = link._connection.transport.connection
                await transport.close(ConnectionAbortedError("the operator closed it"))


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Let replicas look often."""
    monkeypatch.setattr("asyncworker.rabbitmq.sharing.share.LOOK_EVERY", SOON)


@pytest.fixture
def shop(limit):
    return Shop(limit)


@pytest.fixture
def kind():
    """The type of the shards, where a test names no other."""
    return "classic"


@pytest.fixture
async def shards(admin, kind):
    """Shards that a test declares; all of them are deleted at the end."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield Shards(Queue(name, type=kind, dead_letter=True), COUNT, by="key")
    for suffix in ("dead", *range(COUNT)):
        await admin.queue_delete(f"{name}.{suffix}")
    await admin.exchange_delete(name)


@pytest.fixture
async def replica(amqp_url, shards, shop, limit):
    """Make replicas; those that still run are ended."""
    made = []

    def make(**given):
        one = Replica(len(made), amqp_url, given.pop("shards", shards), shop, limit, **given)
        made.append(one)
        return one

    yield make
    for one in made:
        await one.stop()


@pytest.fixture
async def send(amqp_url, shards):
    """Publish numbers by their keys; wait until all are confirmed."""
    async with AMQPConnection(url=amqp_url) as connection:

        async def send(numbers, keys=20):
            pairs = [(f"k{number % keys}", number) for number in numbers]
            await connection.put_many(
                Message([key, number], exchange=shards.exchange_name, headers={"key": key})
                for key, number in pairs
            )

        yield send
