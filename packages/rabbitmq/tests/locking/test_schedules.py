"""Schedules that one among several replicas runs."""

import asyncio

import pytest

from asyncworker import App, Once
from asyncworker.errors import ConfigurationError
from asyncworker.health import health
from asyncworker.rabbitmq.locking.queue_lock import LONGEST_NAME, QueueLock
from asyncworker.testing import TestApp
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.usefixtures("path")

QUEUE = "asyncworker.once.tests"
HELD = "another holds lock 'tests'"


async def test_one_runs_and_the_other_stands_by_and_both_are_ready(replica, logs):
    first = await replica().start()
    await first.ran()
    second = await replica().start()
    assert await second.stands("standing by") == HELD
    await first.ran()
    assert second.runs == 0
    assert health(first.app)["ready"]
    assert health(second.app)["ready"]
    assert first.app.problems == second.app.problems == []
    assert len(logs.matching(f"standing by: {HELD}")) == 1
    assert logs.errors == []


async def test_another_takes_over_when_the_holder_ends(replica, admin):
    first = await replica().start()
    await first.ran()
    second = await replica().start()
    await second.stands("standing by")
    await first.stop()
    await second.ran()
    await second.stop()
    queue = await admin.declare_queue(QUEUE, exclusive=True)
    await queue.delete()


async def test_another_takes_over_when_the_connection_of_the_holder_is_lost(replica, logs):
    first = await replica().start()
    await first.ran()
    second = await replica().start()
    await second.stands("standing by")
    holder = first.locks[0]
    await first.lose_connection()
    assert not holder.held
    # Whichever is the first to ask.
    ran = [asyncio.create_task(one.ran()) for one in (first, second)]
    await asyncio.wait(ran, return_when=asyncio.FIRST_COMPLETED)
    assert [one.locks[0].held for one in (first, second)].count(True) == 1
    for one in ran:
        one.cancel()
    assert len([one for one in logs.errors if "lock 'tests': " in one.getMessage()]) == 1


async def test_the_holder_that_ends_lets_its_run_end_first(replica):
    first = await replica().start()
    first.may_end.clear()
    await first.ran()
    second = await replica().start()
    await second.stands("standing by")
    stopping = asyncio.create_task(first.stop())
    await first.stands("draining")
    await asyncio.sleep(0.2)
    assert (second.runs, stopping.done()) == (0, False)
    first.may_end.set()
    await second.ran()
    await stopping


async def test_who_stands_by_looks_without_a_refusal(replica, monkeypatch, limit):
    """Each refusal is an error in the log of the broker."""
    refused = []
    wait = QueueLock._wait_for_another

    async def note(lock):
        refused.append(lock)
        await wait(lock)

    monkeypatch.setattr(QueueLock, "_wait_for_another", note)
    first = await replica().start()
    await first.ran()
    second = await replica().start()
    await second.stands("standing by")
    looks = asyncio.Semaphore(0)
    publisher = second.connection.publisher("/")
    publish = publisher.publish

    async def look(*arguments):
        looks.release()
        await publish(*arguments)

    monkeypatch.setattr(publisher, "publish", look)
    async with asyncio.timeout(limit):
        for _ in range(5):
            await looks.acquire()
    assert len(refused) == 1
    await first.stop()
    await second.ran()


async def test_schedules_of_one_name_are_in_one_process(replica):
    first, second = replica(), replica()
    for one, state in ((first, "held"), (second, "held by another")):
        one.app.run_every(0.05, once=Once("tests"))(one.run)
        one.app.run_every(0.05, once="other")(one.run)
        await one.start()
        assert len(one.locks) == 2
        await one.turned(state)
    await first.stop()
    await second.turned("held")


async def test_a_lock_may_have_any_name(replica):
    first, second = replica("preços; 'v2'"), replica("preços; 'v2'")
    for one in (first, second):
        # It keeps the connection.
        one.app.run_every(60, once="other")(print)
    await first.start()
    await first.ran()
    await second.start()
    await second.stands("standing by")
    await first.stop()
    await second.ran()


async def test_what_should_not_be_is_shown(replica, monkeypatch):
    async def fail(lock, channel):
        raise ValueError("broken")

    monkeypatch.setattr(QueueLock, "_hold", fail)
    one = await replica().start()
    assert await one.stands("waiting") == "lock 'tests': ValueError('broken')"
    with pytest.raises(ValueError, match="broken"):
        await one.stop()


async def test_nothing_is_left_at_the_end(replica):
    tasks = asyncio.all_tasks()
    first = await replica().start()
    await first.ran()
    second = await replica().start()
    await second.stands("standing by")
    await second.stop()
    await first.stop()
    assert asyncio.all_tasks() - tasks == set()
    assert first.locks == second.locks == ()


async def test_a_replica_that_ends_before_it_holds_anything_leaves_nothing(replica):
    tasks = asyncio.all_tasks()
    one = await replica(url="amqp://guest:guest@127.0.0.1:1/").start()
    await one.stop()
    assert asyncio.all_tasks() - tasks == set()


async def test_a_broker_that_is_away_is_a_problem_said_once(replica, logs):
    one = await replica(url="amqp://guest:guest@127.0.0.1:1/").start()
    reason = await one.stands("waiting")
    assert reason.startswith("lock 'tests': cannot connect to amqp://guest@127.0.0.1:1")
    assert not health(one.app)["ready"]
    assert one.app.problems == [f"handler Replica.run, every 0.05 s: {reason}"]
    await asyncio.sleep(0.5)
    assert len(logs.matching("lock 'tests': ")) == 1
    assert one.runs == 0


def test_a_name_too_long_for_a_queue_is_an_error_at_the_decorator(connection):
    app = App(connections=[connection])
    with pytest.raises(ConfigurationError, match="lock: name has at most 238 bytes"):
        app.run_every(60, once="é" * LONGEST_NAME)(print)


async def test_in_tests_it_is_held_and_the_clock_is_that_of_all_schedules(connection):
    app = App(connections=[connection])
    runs = []
    app.run_every(60, once=True)(lambda: runs.append("every"))
    app.run_every(60)(lambda: runs.append("each"))
    async with TestApp(app) as worker:
        await worker.idle()
        assert sorted(runs) == ["each", "every"]
        await worker.advance(120)
        await worker.idle()
        assert sorted(runs) == ["each"] * 3 + ["every"] * 3
        await worker.lose_connection()
        await worker.advance(60)
        await worker.idle()
        assert runs.count("every") == 4
        # A process that is killed begins again, with a run at its start.
        await worker.kill()
        await worker.idle()
        assert runs.count("every") == runs.count("each") == 5


@pytest.fixture
async def proxy(private_node):
    async with Proxy.to(private_node.port) as proxy:
        yield proxy


async def test_a_holder_that_is_cut_off_gives_up_before_another_takes_over(
    replica, proxy, private_node
):
    """The connection stays open, and the broker gives the client up after two heartbeats."""
    url = f"amqp://guest:guest@127.0.0.1:{proxy.port}/"
    first = await replica(url=url, heartbeat=2).start()
    await first.ran()
    second = await replica(heartbeat=2).start()
    await second.stands("standing by")
    lock = first.locks[0]
    proxy.stall()
    async with asyncio.timeout(60):
        while lock.held:
            assert second.runs == 0
            await asyncio.sleep(0.01)
    assert not second.locks[0].held
    runs = first.runs
    await second.ran()
    assert first.runs == runs
    await first.stands("waiting")
    proxy.flow()
    await first.stands("standing by")
    assert first.runs == runs


async def test_a_holder_asks_whether_it_still_holds_and_goes_on(replica, private_node, limit):
    one = await replica(heartbeat=1).start()
    await one.ran()
    lock = one.locks[0]
    first = lock._until
    async with asyncio.timeout(limit):
        while lock._until < first + 2:
            await lock.turned.wait()
            assert lock.held
