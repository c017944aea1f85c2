"""Batches that are split, and dead letters that say why."""

import asyncio
import signal

import pytest

PREFETCH = 50
"""That of the `splitting` worker."""
FAILS = 7
"""Each message fails whose number this divides."""
STEPS = ("split", "failed", "published", "confirmed")
COUNT = 500
GOOD = {str(number) for number in range(COUNT) if number % FAILS}
BAD = {str(number) for number in range(COUNT)} - GOOD


async def account(drill, queues, most):
    """Enter what was dead-lettered; nothing else may be, and none of it too often."""
    letters = await queues.arrived("drill.dead")
    assert set(letters) == BAD
    assert sum(len(bodies) - 1 for bodies in letters.values()) <= most
    drill.ledger.dead_lettered |= set(letters)
    await queues.account()
    assert set(drill.ledger.handled) == GOOD


async def finish(drill, queues, worker, most):
    """Have another worker handle what is left, and account for both."""
    async with worker("splitting") as second:
        await second.logged("consuming")
        await second.handled(GOOD)
        await queues.hold("drill", 0)
        drill.recovered()
        second.send(signal.SIGTERM)
        assert await second.end() == 0
        # Both wrote into the same record.
        second.account(drill.ledger)
    await account(drill, queues, most)


@pytest.mark.parametrize("step", STEPS)
async def test_killed_while_splitting(drill, case, queues, worker, step):
    """SIGKILL as a half is handled, or a dead letter is due, published or confirmed."""
    await queues.publish("drill", range(COUNT))
    async with worker("splitting", STEP=step) as process:
        await process.noted("halted")
        process.send(signal.SIGKILL)
        assert await process.end() == -signal.SIGKILL
    drill.broken()
    await finish(drill, queues, worker, PREFETCH)
    drill.check(within=30, duplicates=PREFETCH)


@pytest.mark.parametrize("step", STEPS)
async def test_cut_while_splitting(drill, case, queues, worker, proxy, step):
    """Connections cut as a half is handled, or a dead letter is due, published or confirmed."""
    await queues.publish("drill", range(COUNT))
    async with worker("splitting", proxy.port, STEP=step) as process:
        await process.noted("halted")
        drill.broken()
        proxy.cut()
        if step == "split":
            # The half that hangs would hold back for ever what comes again.
            process.send(signal.SIGKILL)
            await process.end()
        else:
            await process.handled(GOOD)
            await queues.hold("drill", 0)
            process.send(signal.SIGTERM)
            assert await process.end() == 0
            drill.recovered()
            process.account(drill.ledger)
    if step == "split":
        await finish(drill, queues, worker, 2 * PREFETCH)
    else:
        await account(drill, queues, 2 * PREFETCH)
    # Two connections were lost: the one that consumes, and the one that publishes dead letters.
    drill.check(within=30, duplicates=2 * PREFETCH)


@pytest.mark.long
@pytest.mark.parametrize("step", STEPS)
async def test_broker_killed_while_splitting(drill, case, queues, worker, node, step):
    """Broker killed as a half is handled, or a dead letter is due, published or confirmed."""
    await queues.publish("drill", range(COUNT))
    await asyncio.to_thread(node.keep_queues)
    async with worker("splitting", STEP=step) as process:
        await process.noted("halted")
        known = len(process.notes("handled")) + len(process.notes("failed"))
        await asyncio.to_thread(node.kill)
        await asyncio.to_thread(node.start)
        drill.broken()
        if step == "split":
            # The half that hangs would hold back for ever what comes again.
            process.send(signal.SIGKILL)
            await process.end()
        else:
            await process.handled(GOOD)
            await queues.hold("drill", 0)
            drill.recovered()
            process.send(signal.SIGTERM)
            assert await process.end() == 0
            process.account(drill.ledger)
    # A broker that dies forgets the acknowledgements that it had not yet written to its disk.
    if step == "split":
        await finish(drill, queues, worker, known + PREFETCH)
    else:
        await account(drill, queues, known + PREFETCH)
    drill.check(within=30, duplicates=known + PREFETCH)


async def test_stopped_while_splitting(drill, queues, worker):
    """SIGTERM while batches are split and dead letters leave, then a second worker."""
    await queues.publish("drill", range(COUNT))
    async with worker("splitting") as process:
        await process.noted("failed", 20)
        process.send(signal.SIGTERM)
        assert await process.end() == 0
    drill.broken()
    await finish(drill, queues, worker, 0)
    drill.check(within=30)
