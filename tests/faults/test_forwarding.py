"""Messages that are published before others are acknowledged."""

import asyncio
import signal

import pytest

PREFETCH = 50
"""That of the `forwarding` worker."""
STEPS = ("returned", "published", "confirmed")


@pytest.fixture(autouse=True)
async def targets(queues):
    """The queues that it publishes to."""
    await queues.declare("drill.out")
    await queues.declare("drill.put")


async def account(drill, queues):
    """Enter what arrived, and what is left: nothing may be in one queue and not in the other."""
    returned = await queues.arrived("drill.out")
    put = await queues.arrived("drill.put")
    assert set(returned) == set(put)
    await queues.account()
    for one, flags in returned.items():
        drill.ledger.handled[one] += len(flags)
        drill.ledger.redelivered[one] += sum(flags)
    for one, flags in put.items():
        assert len(flags) - 1 <= sum(flags), f"{one} was put again though not redelivered"


async def finish(drill, queues, worker, ids):
    """Have another worker forward what is left, and account for both."""
    async with worker("forwarding") as second:
        await second.logged("consuming")
        await second.handled(ids)
        await queues.hold("drill", 0)
        drill.recovered()
        second.send(signal.SIGTERM)
        assert await second.end() == 0
    await account(drill, queues)


@pytest.mark.parametrize("step", STEPS)
async def test_killed_while_forwarding(drill, case, queues, worker, step):
    """SIGKILL when a handler has returned, its messages are published, or they are confirmed."""
    ids = await queues.publish("drill", range(500))
    async with worker("forwarding", STEP=step) as process:
        await process.noted("halted")
        process.send(signal.SIGKILL)
        assert await process.end() == -signal.SIGKILL
    drill.broken()
    await finish(drill, queues, worker, ids)
    drill.check(within=30, duplicates=PREFETCH)


@pytest.mark.parametrize("step", STEPS)
async def test_cut_while_forwarding(drill, case, queues, worker, proxy, step):
    """Connections cut when a handler has returned, its messages are published, or confirmed."""
    ids = await queues.publish("drill", range(500))
    async with worker("forwarding", proxy.port, STEP=step) as process:
        await process.noted("halted")
        drill.broken()
        proxy.cut()
        await process.handled(ids)
        drill.recovered()
        process.send(signal.SIGTERM)
        assert await process.end() == 0
    await account(drill, queues)
    # Two connections were lost: what was on its way on the one that publishes is in doubt as well.
    drill.check(within=30, duplicates=2 * PREFETCH)


@pytest.mark.long
@pytest.mark.parametrize("step", STEPS)
async def test_broker_killed_while_forwarding(drill, case, queues, worker, node, step):
    """Broker killed when a handler has returned, its messages are published, or confirmed."""
    ids = await queues.publish("drill", range(500))
    await asyncio.to_thread(node.keep_queues)
    async with worker("forwarding", STEP=step) as process:
        await process.noted("halted")
        known = len(process.notes("handled"))
        await asyncio.to_thread(node.kill)
        await asyncio.to_thread(node.start)
        drill.broken()
        await process.handled(ids)
        drill.recovered()
        process.send(signal.SIGTERM)
        assert await process.end() == 0
    await account(drill, queues)
    # A broker that dies forgets the acknowledgements that it had not yet written to its disk.
    drill.check(within=30, duplicates=known + PREFETCH)


@pytest.mark.slow
async def test_stopped_while_forwarding(drill, queues, worker):
    """SIGTERM while handlers return and messages leave, then a second worker."""
    ids = await queues.publish("drill", range(5000))
    async with worker("forwarding") as process:
        await process.noted("handled", 1000)
        process.send(signal.SIGTERM)
        assert await process.end() == 0
    drill.broken()
    await finish(drill, queues, worker, ids)
    drill.check(within=30)
