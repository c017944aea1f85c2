"""Once among replicas."""

import asyncio
import signal
import time
from contextlib import AsyncExitStack
from itertools import groupby, pairwise

import pytest

from tests.faults.event_server import EventServer
from tests.faults.proxy import Proxy
from tests.faults.waiting import LIMIT, until

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

REPLICAS = 3
KILLS = 20
CUTS = 20
STALLS = 5
RESTARTS = 2
RUNS = 10
"""Runs of each holder before something happens to it."""
HEARTBEAT = 2
"""Seconds; a broker gives up who is silent for three of them, or sooner."""
LOOK_EVERY = 2
"""Seconds between two looks of those who stand by."""
SLACK = 3
"""Seconds that a busy machine may take besides."""


class Replicas:
    """Hold workers that do something once among them, each with a way of its own to the broker."""

    def __init__(self, start, node, heartbeat=60, **environment):
        self._start = start
        self._node = node
        self._environment = {"HEARTBEAT": str(heartbeat)} | environment
        self._stack = AsyncExitStack()
        self._workers = {}
        self._proxies = {}

    async def __aenter__(self):
        for _ in range(REPLICAS):
            await self.add()
        await self.first.noted("begun")
        for worker in self.workers:
            await worker.logged("lock 'drill'")
        return self

    async def __aexit__(self, *_):
        await self._stack.aclose()

    async def add(self):
        """Start one more."""
        proxy = await self._stack.enter_async_context(Proxy.to(self._node.port))
        starting = self._start("standing", proxy.port, **self._environment)
        worker = await self._stack.enter_async_context(starting)
        self._workers[worker.pid] = worker
        self._proxies[worker.pid] = proxy
        return worker

    async def end(self, worker, number):
        """Send a signal, and wait for the end; return when that was, and the exit code."""
        worker.send(number)
        code = await worker.end()
        del self._workers[worker.pid]
        return time.monotonic(), code

    @property
    def workers(self):
        return list(self._workers.values())

    @property
    def first(self):
        """Return one of them: all write to one record."""
        return self.workers[0]

    async def holder(self):
        """Return who is at work, once it has been so for some runs, and its proxy."""

        def pids():
            return {one["by"] for one in self.begun[-RUNS:]}

        await self.first.noted("begun", RUNS)
        await until(lambda: len(pids()) == 1, f"{RUNS} runs of one")
        [pid] = pids()
        return self._workers[pid], self._proxies[pid]

    @property
    def begun(self):
        return self.first.notes("begun")

    async def another(self, since, than=None, limit=LIMIT):
        """Wait for one who begins after a time, and is another than that; return when it did."""

        def found():
            return [one["at"] for one in self.begun if one["at"] > since and one["by"] != than]

        await until(found, f"another than {than} began", limit)
        return found()[0]

    async def stop(self):
        """End all as operators do."""
        for worker in self.workers:
            await worker.logged("started")
            worker.send(signal.SIGTERM)
        for worker in self.workers:
            assert await worker.end() == 0

    def turns(self):
        """Return who was at work, in order: each holder once for each time that it took over."""
        return [by for by, _ in groupby(one["by"] for one in self.begun)]

    def overlapping(self, interrupted=()):
        """Return runs of two that went on at once.

        interrupted: times at which one lost its connection: what it was at then may go on.
        """
        ends = {}
        for one in self.first.notes("ended"):
            ends.setdefault(one["by"], []).append(one["at"])
        found = []
        for before, after in pairwise(self.begun):
            if before["by"] == after["by"]:
                continue
            later = [at for at in ends.get(before["by"], ()) if at > before["at"]]
            end = min(later, default=before["at"])
            excused = any(before["at"] <= at <= end for at in interrupted)
            if end > after["at"] and not excused:
                found.append((before, after))
        return found


@pytest.fixture
def replicas(worker, private_node):
    return lambda *arguments, **environment: Replicas(
        worker, private_node, *arguments, **environment
    )


@pytest.fixture
async def leftovers(ctl):
    """Return what queues of locks there are."""

    async def leftovers():
        names = await ctl("list_queues", "--quiet", "name")
        return [name for name in names.split() if name.startswith("asyncworker.once")]

    return leftovers


async def test_killed(drill, replicas, leftovers):
    """Three replicas, the holder killed 20 times: never two at once, and another takes over."""
    longest = 0.0
    async with replicas() as crew:
        for _ in range(KILLS):
            holder, _ = await crew.holder()
            killed, _ = await crew.end(holder, signal.SIGKILL)
            longest = max(longest, await crew.another(killed, holder.pid) - killed)
            await crew.add()
        await crew.stop()
        assert crew.overlapping() == []
        # Each had it once, until it was killed.
        assert len(crew.turns()) == len(set(crew.turns())) >= KILLS + 1
        runs = len(crew.begun)
    assert await leftovers() == []
    drill.took(longest)
    drill.check_time(within=LOOK_EVERY + SLACK, handled=runs)


async def test_ended(drill, replicas):
    """The holder stopped by SIGTERM: another takes over when its last run has ended."""
    longest = 0.0
    async with replicas() as crew:
        for _ in range(STALLS):
            holder, _ = await crew.holder()
            ended, code = await crew.end(holder, signal.SIGTERM)
            assert code == 0
            # Another may have begun as soon as the last run ended.
            last = max(one["at"] for one in crew.begun if one["by"] == holder.pid)
            longest = max(longest, await crew.another(last, holder.pid) - ended)
            await crew.add()
        await crew.stop()
        assert crew.overlapping() == []
        runs = len(crew.begun)
    drill.took(longest)
    drill.check_time(within=LOOK_EVERY + SLACK, handled=runs)


async def test_cut(drill, replicas, leftovers):
    """The connection of the holder cut 20 times: it begins nothing more, and one takes over."""
    longest = 0.0
    cuts = []
    async with replicas() as crew:
        for _ in range(CUTS):
            holder, proxy = await crew.holder()
            known = len(holder.entries("lock 'drill'"))
            cuts.append(time.monotonic())
            proxy.cut()
            await holder.logged("lock 'drill'", known + 1)
            # Whoever is the first to ask has it.
            longest = max(longest, await crew.another(time.monotonic()) - cuts[-1])
        await crew.stop()
        assert crew.overlapping(cuts) == []
        runs = len(crew.begun)
    assert await leftovers() == []
    drill.took(longest)
    drill.check_time(within=LOOK_EVERY + SLACK, handled=runs)


async def test_stalled(drill, replicas, leftovers):
    """The holder cut off in silence, heartbeat 2: it stops before another takes over."""
    longest = 0.0
    async with replicas(HEARTBEAT) as crew:
        for _ in range(STALLS):
            holder, proxy = await crew.holder()
            stalled = time.monotonic()
            proxy.stall()
            longest = max(longest, await crew.another(stalled, holder.pid) - stalled)
            begun = [one["at"] for one in crew.begun if one["by"] == holder.pid]
            assert max(begun) < stalled + 1.5 * HEARTBEAT + SLACK
            proxy.flow()
            await holder.logged("standing by", len(holder.entries("standing by")) + 1)
        await crew.stop()
        assert crew.overlapping() == []
        # Who was cut off began nothing more when another had begun.
        assert len(crew.turns()) == STALLS + 1
        runs = len(crew.begun)
    assert await leftovers() == []
    drill.took(longest)
    drill.check_time(within=3 * HEARTBEAT + LOOK_EVERY + SLACK, handled=runs)


async def test_stopped(drill, replicas):
    """The holder stopped by SIGSTOP until another took over, heartbeat 2: it begins no more."""
    longest = 0.0
    stops = []
    async with replicas(HEARTBEAT) as crew:
        for _ in range(STALLS):
            holder, _ = await crew.holder()
            stops.append(time.monotonic())
            holder.send(signal.SIGSTOP)
            longest = max(longest, await crew.another(stops[-1], holder.pid) - stops[-1])
            known = len(holder.entries("standing by"))
            holder.send(signal.SIGCONT)
            await holder.logged("standing by", known + 1)
        await crew.stop()
        assert crew.overlapping(stops) == []
        assert len(crew.turns()) == STALLS + 1
        runs = len(crew.begun)
    drill.took(longest)
    drill.check_time(within=3 * HEARTBEAT + LOOK_EVERY + SLACK, handled=runs)


async def test_broker_killed(drill, replicas, node, leftovers):
    """The broker killed with -9 and started again, twice: one of three goes on."""
    longest = 0.0
    killed = []
    async with replicas() as crew:
        for _ in range(RESTARTS):
            await crew.holder()
            killed.append(time.monotonic())
            await asyncio.to_thread(node.kill)
            dead = time.monotonic()
            await asyncio.to_thread(node.start)
            started = time.monotonic()
            assert [one for one in crew.begun if dead < one["at"] < dead + 1] == []
            longest = max(longest, await crew.another(dead) - started)
        await crew.stop()
        assert crew.overlapping(killed) == []
        runs = len(crew.begun)
    assert await leftovers() == []
    drill.took(longest)
    drill.check_time(within=10, handled=runs)


async def test_stream(drill, replicas, leftovers):
    """Three followers of a stream, the one that reads killed 5 times: never two at once."""
    longest = 0.0
    async with (
        EventServer.started(drill.ledger) as server,
        replicas(STREAM=server.url) as crew,
    ):
        for number in range(STALLS):
            await until(lambda: len(server.requests) > number, "a follower reads")  # noqa: B023
            await until(lambda: len(_open(server)) == 1, "one follower reads")
            killed, _ = await crew.end(await _reader(crew), signal.SIGKILL)
            await until(lambda: len(server.requests) > number + 1, "another reads")  # noqa: B023
            longest = max(longest, server.requests[-1].at - killed)
            await crew.add()
        # None asked while another one's connection was open.
        assert len(server.requests) == STALLS + 1
        await crew.stop()
    assert await leftovers() == []
    drill.took(longest)
    drill.check_time(within=LOOK_EVERY + SLACK)


def _open(server):
    return [one for one in server.requests if not one.writer.is_closing()]


async def _reader(crew):
    """Return whoever follows the stream."""
    held = "this process holds lock 'drill.stream'"
    [reader] = [one for one in crew.workers if one.entries(held)]
    return reader
