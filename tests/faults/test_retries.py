"""Retries."""

import signal
from contextlib import AsyncExitStack

import pytest

PREFETCH = 50
"""That of the `retrying` worker."""
WAITING = "asyncworker.retry.drill.200"


@pytest.fixture
async def waiting(queues):
    """The queue in which messages wait; at the end it is deleted."""
    yield WAITING
    await queues.delete(WAITING)


async def finish(drill, queues, worker, ids):
    """Have another worker handle what is left, and account for both."""
    async with worker("retrying") as second:
        await second.handled(ids)
        drill.recovered()
        second.send(signal.SIGTERM)
        assert await second.end() == 0
        # Both wrote into the same record.
        second.account(drill.ledger)
    await queues.hold(WAITING, 0)
    await queues.account()


@pytest.mark.parametrize("failures", [100, 1500], ids=["at first attempts", "at later attempts"])
async def test_killed_while_retrying(drill, case, queues, worker, waiting, failures):
    """SIGKILL while messages are on their way to their next attempt, then a second worker."""
    ids = await queues.publish("drill", range(1000))
    async with worker("retrying") as process:
        await process.noted("failed", failures)
        process.send(signal.SIGKILL)
        assert await process.end() == -signal.SIGKILL
    drill.broken()
    await finish(drill, queues, worker, ids)
    drill.check(within=30, duplicates=PREFETCH)


async def test_stopped_while_retrying(drill, queues, worker, waiting):
    """SIGTERM while messages are on their way to their next attempt, then a second worker."""
    ids = await queues.publish("drill", range(1000))
    async with worker("retrying") as process:
        await process.noted("failed", 500)
        process.send(signal.SIGTERM)
        assert await process.end() == 0
        assert not process.entries("goes back at once")
    drill.broken()
    await finish(drill, queues, worker, ids)
    drill.check(within=30)


async def test_cut_while_retrying(drill, queues, worker, waiting, proxy):
    """Connections cut while messages are on their way to their next attempt."""
    ids = await queues.publish("drill", range(1000))
    async with worker("retrying", proxy.port) as process:
        await process.noted("failed", 500)
        drill.broken()
        proxy.cut()
        await process.handled(ids)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    # Two connections were lost: the one that consumes, and the one that publishes what waits.
    drill.check(within=30, duplicates=2 * PREFETCH)


@pytest.mark.long
async def test_blocked_while_retrying(drill, queues, worker, waiting, ctl):
    """The broker takes no messages for longer than the deadline of what is to wait."""
    ids = await queues.publish("drill", range(1000))
    async with AsyncExitStack() as alarm:
        # Before the worker starts: it may have done all of it by the time an alarm is raised.
        await ctl("set_vm_memory_high_watermark", "0.000001")
        alarm.push_async_callback(ctl, "set_vm_memory_high_watermark", "0.4")
        async with worker("retrying") as process:
            # More than once: what could not wait fails again, and must not be published again.
            await process.logged("goes back at once", 2 * PREFETCH + 1)
            await alarm.aclose()
            drill.broken()
            await process.handled(ids)
            drill.recovered()
            # What was on its way as the broker stopped reading came later all the same.
            await queues.hold(WAITING, 0)
            await queues.hold("drill", 0)
            process.send(signal.SIGTERM)
            assert await process.end() == 0
            process.account(drill.ledger)
    await queues.account()
    # In doubt is what was on its way as the broker stopped reading, and, as it reads again, what
    # had waited so long that next to nothing of its deadline was left for the confirm.
    drill.check(within=30, duplicates=2 * PREFETCH)
