"""Shards among replicas."""

import asyncio
import json
import os
import re
import signal
import time
from collections import defaultdict
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise

import pytest

from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Message
from tests.faults.queues import Queues
from tests.faults.waiting import LIMIT, until, until_so

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

SHARDS = 8
KEYS = 100
NAME = "divided"
PREFETCH = 10
"""Of each shard: that of the `sharing` worker, which has so many handlers side by side."""
MOST = 4
"""The most replicas."""
KILLS = 6
ROUNDS = 2
"""How often all replicas are rolled."""
AT_ONCE = 50
"""Messages that are published together."""
PAUSE = 0.04
"""Seconds between two times."""
LOOK_EVERY = 1
"""Seconds between two looks of a replica at who else is there."""
SLACK = 3
"""Seconds that a busy machine may take besides."""
HEARTBEAT = 2
"""Seconds; a broker gives up who is silent for three of them, or sooner."""
LASTS = 0.02
"""Seconds that a handler takes where it is measured how much they do together."""
LOAD = int(os.environ.get("COUNT", "3000"))
LOADS = {
    "one queue, 1 replica": (0, 1),
    "one queue, 2 replicas": (0, 2),
    "one queue, 4 replicas": (0, 4),
    "8 shards, 1 replica": (SHARDS, 1),
    "8 shards, 2 replicas": (SHARDS, 2),
    "8 shards, 4 replicas": (SHARDS, 4),
}
"""How many shards there are, none for one queue, and how many replicas."""
PART = re.compile(rf"(?:no shard|shards? (?P<numbers>[\d, ]+)) of {SHARDS} .* as one of (\d+) ")


class Orders:
    """What is published, each key's messages in order, as long as that is wanted."""

    def __init__(self, url, ledger):
        self._connection = AMQPConnection(url=url)
        self._ledger = ledger
        self._wanted = True
        self.ids = set()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self._connection.close()

    async def publish(self, count, exchange=NAME, routing_key=""):
        """Publish so many more; return when they are confirmed."""
        start = len(self.ids)
        ids = [str(number) for number in range(start, start + count)]
        self._ledger.attempted.update(ids)
        self.ids.update(ids)
        headers = [{"customer": f"c{int(one) % KEYS}"} for one in ids]
        await self._connection.put_many(
            Message(int(one), routing_key, exchange, headers=of, message_id=one)
            for one, of in zip(ids, headers, strict=True)
        )
        self._ledger.confirmed.update(ids)

    @asynccontextmanager
    async def flowing(self):
        """Publish on and on while the context lasts."""

        async def flow():
            while self._wanted:
                await self.publish(AT_ONCE)
                await asyncio.sleep(PAUSE)

        async with asyncio.TaskGroup() as group:
            group.create_task(flow())
            try:
                yield
            finally:
                self._wanted = False


class Crew:
    """Replicas that share the shards; all of them write to one record."""

    def __init__(self, start, queues, **environment):
        self._start = start
        self._queues = queues
        self._environment = {"SHARDS": str(SHARDS), "LASTS": "0"} | environment
        self._stack = AsyncExitStack()
        self.workers = []
        self.all = []
        self.longest = 0.0
        """Seconds from the longest change to when all shards were with someone again."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self._stack.aclose()

    async def add(self):
        """Start one more."""
        starting = self._start("sharing", **self._environment)
        worker = await self._stack.enter_async_context(starting)
        self.workers.append(worker)
        self.all.append(worker)
        await worker.logged("started")
        return worker

    async def end(self, worker, number):
        """Send a signal, and wait for the end; return the exit code."""
        worker.send(number)
        self.workers.remove(worker)
        return await worker.end()

    async def divided(self, since):
        """Wait until all shards are divided among all, and consumed; note how long that took."""

        def parts():
            found = [entry for entry in map(self._part, self.workers) if entry is not None]
            numbers = [number for part, _ in found for number in part]
            agreed = all(of == len(self.workers) for _, of in found)
            sizes = {len(part) for part, _ in found}
            return (
                agreed
                and sorted(numbers) == list(range(SHARDS))
                and max(sizes) - min(sizes) <= 1
                and len(found) == len(self.workers)
            )

        await until(parts, f"{SHARDS} shards divided among {len(self.workers)}")
        await until_so(self._consumed, "all shards consumed")
        self.longest = max(self.longest, time.monotonic() - since)

    async def _consumed(self):
        return await self._queues.consumers(*names()) == [1] * SHARDS

    def _part(self, worker):
        """Return the shards that a replica said last that it has, and of how many it is one."""
        entries = worker.entries(f" of {SHARDS} of '{NAME}', as one of ")
        if not entries:
            return None
        found = PART.search(entries[-1]["msg"])
        numbers = found["numbers"]
        return ([] if numbers is None else [int(one) for one in numbers.split(",")]), int(found[2])

    async def stop(self):
        """End all as operators do."""
        for worker in list(self.workers):
            assert await self.end(worker, signal.SIGTERM) == 0

    @property
    def first(self):
        return self.all[0]


def names():
    return [f"{NAME}.{number}" for number in range(SHARDS)]


def overtaken(notes):
    """Return what was begun for the first time behind a message of its key published later."""
    firsts = defaultdict(dict)
    for note in notes:
        firsts[int(note["id"]) % KEYS][int(note["id"])] = None
    return [
        after for of_key in firsts.values() for before, after in pairwise(of_key) if before > after
    ]


@pytest.fixture
async def queues(private_node, drill):
    """The broker from outside, where nothing is left of the drill before."""
    queues = Queues(private_node.url, drill.ledger)
    await queues.delete(NAME, f"{NAME}.dead", *names())
    await queues.delete_exchange(NAME)
    yield queues
    await queues.delete(NAME, f"{NAME}.dead", *names())
    await queues.delete_exchange(NAME)


@pytest.fixture
async def orders(private_node, drill):
    async with Orders(private_node.url, drill.ledger) as orders:
        yield orders


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize(("shards", "replicas"), LOADS.values(), ids=LOADS)
async def test_load(drill, queues, orders, worker, shards, replicas):
    """Messages of 20 ms, 10 at a time in each replica: they share the work."""
    async with Crew(worker, queues, SHARDS=str(shards), LASTS=str(LASTS), KIND="classic") as crew:
        for _ in range(replicas):
            await crew.add()
        if shards:
            await crew.divided(time.monotonic())
        else:
            await until_so(
                lambda: _is_consumed_by(queues, replicas), f"{replicas} consume the queue"
            )
        drill.broken()
        await orders.publish(LOAD, *(() if shards else ("", NAME)))
        await crew.first.handled(orders.ids)
        drill.recovered()
        notes = crew.first.notes("handled")
        # Each has its part, and no shard is with two.
        assert len({note["by"] for note in notes}) == replicas
        if shards:
            by = {(note["queue"], note["by"]) for note in notes}
            assert len(by) == len({queue for queue, _ in by}) == SHARDS
            assert overtaken(crew.first.notes("begun")) == []
        crew.first.account(drill.ledger)
        await crew.stop()
    least = LOAD * LASTS / (PREFETCH * replicas)
    drill.check(within=2 * least + SLACK)


async def _is_consumed_by(queues, replicas):
    return await queues.consumers(NAME) == [replicas]


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_rolled(drill, queues, orders, worker, kind):
    """Replicas added up to four, all rolled twice: each key in order, nothing twice."""
    async with Crew(worker, queues, KIND=kind) as crew:
        await crew.add()
        async with orders.flowing():
            for _ in range(MOST - 1):
                await crew.add()
                await crew.divided(time.monotonic())
            for _ in range(ROUNDS):
                for one in list(crew.workers):
                    assert await crew.end(one, signal.SIGTERM) == 0
                    await crew.divided(time.monotonic())
                    await crew.add()
                    await crew.divided(time.monotonic())
        await _handled_in_order(drill, crew, orders)
    drill.took(crew.longest)
    drill.check(within=2 * LOOK_EVERY + SLACK)


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_killed(drill, queues, orders, worker, kind):
    """Four replicas, one killed and replaced six times: each key in order."""
    async with Crew(worker, queues, KIND=kind) as crew:
        for _ in range(MOST):
            await crew.add()
        await crew.divided(time.monotonic())
        async with orders.flowing():
            for _ in range(KILLS):
                known = len(crew.first.notes("begun"))
                await crew.first.noted("begun", known + 10 * AT_ONCE)
                await crew.end(crew.workers[0], signal.SIGKILL)
                await crew.divided(time.monotonic())
                await crew.add()
                await crew.divided(time.monotonic())
        await _handled_in_order(drill, crew, orders)
    drill.took(crew.longest)
    drill.check(within=2 * LOOK_EVERY + SLACK, duplicates=KILLS * SHARDS * PREFETCH)


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_stopped(drill, queues, orders, worker, kind):
    """One of three stopped by SIGSTOP until others have its shards, heartbeat 2: each in order."""
    async with Crew(worker, queues, KIND=kind, HEARTBEAT=str(HEARTBEAT)) as crew:
        for _ in range(MOST - 1):
            await crew.add()
        await crew.divided(time.monotonic())
        async with orders.flowing():
            stopped = crew.workers.pop()
            stopped.send(signal.SIGSTOP)
            await crew.divided(time.monotonic())
            longest = crew.longest
            stopped.send(signal.SIGCONT)
            crew.workers.append(stopped)
            await crew.divided(time.monotonic())
        await _handled_in_order(drill, crew, orders)
    drill.took(longest)
    drill.check(within=3 * HEARTBEAT + 2 * LOOK_EVERY + SLACK, duplicates=2 * SHARDS * PREFETCH)


async def _handled_in_order(drill, crew, orders):
    """Wait until all is handled, end all replicas, and look at what they did."""
    await crew.first.handled(orders.ids, LIMIT)
    await crew.stop()
    assert overtaken(crew.first.notes("begun")) == []
    complaints = [json.dumps(one) for worker in crew.all for one in worker.complaints]
    assert not [one for one in complaints if "Traceback" in one]
    crew.first.account(drill.ledger)
