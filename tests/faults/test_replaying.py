"""Dead letters that are replayed."""

import asyncio
import re
import signal

import pytest

from asyncworker.rabbitmq.dead.sweep import LOT

pytestmark = pytest.mark.slow

COUNT = 500
KINDS = ("classic", "quorum")
STEPS = ("read", "published", "confirmed")
CASES = [pytest.param(kind, step, id=f"{kind}, {step}") for kind in KINDS for step in STEPS]
HEADERS = {"x-asyncworker-queue": "drill", "x-asyncworker-error": "OSError: busy"}
TOLD = re.compile(rf"replayed (\d+) of {COUNT} dead letters in drill\.dead \((\d+) to drill\)")
STOPS = [
    pytest.param(kind, number, id=f"{kind}, {number.name}")
    for kind in KINDS
    for number in (signal.SIGTERM, signal.SIGINT)
]


@pytest.fixture
async def ids(queues, kind):
    """Messages that died in `drill`."""
    await queues.delete("drill.dead")
    await queues.declare("drill.dead", x_queue_type=kind)
    return await queues.publish("drill.dead", range(COUNT), HEADERS)


async def finish(drill, queues, worker, ids):
    """Replay what is left, and account for both replays."""
    await queues.settle("drill", "drill.dead", count=COUNT)
    async with worker("replaying") as second:
        assert await second.end() == 0
    await queues.hold("drill.dead", 0)
    drill.recovered()
    for one, bodies in (await queues.arrived("drill")).items():
        drill.ledger.handled[one] += len(bodies)
    await queues.account()
    assert set(drill.ledger.handled) == ids


@pytest.mark.parametrize(("kind", "step"), CASES)
async def test_killed_while_replaying(drill, case, queues, worker, ids, step):
    """SIGKILL when dead letters are read, published to where they died, or confirmed there."""
    async with worker("replaying", STEP=step) as process:
        await process.noted("halted")
        process.send(signal.SIGKILL)
        assert await process.end() == -signal.SIGKILL
    drill.broken()
    await finish(drill, queues, worker, ids)
    drill.check(within=30, duplicates=LOT, marked=False)


@pytest.mark.parametrize(("kind", "step"), CASES)
async def test_cut_while_replaying(drill, case, queues, worker, proxy, ids, step):
    """Connections cut when dead letters are read, published to where they died, or confirmed."""
    async with worker("replaying", proxy.port, STEP=step) as process:
        await process.noted("halted")
        drill.broken()
        proxy.cut()
        assert await process.end() == 1
        assert process.output[-1].startswith("Error: queue 'drill.dead', vhost '/': ")
    await finish(drill, queues, worker, ids)
    drill.check(within=30, duplicates=LOT, marked=False)


@pytest.mark.long
@pytest.mark.parametrize(("kind", "step"), CASES)
async def test_broker_killed_while_replaying(drill, case, queues, worker, node, ids, step):
    """Broker killed when dead letters are read, published to where they died, or confirmed."""
    await asyncio.to_thread(node.keep_queues)
    async with worker("replaying", STEP=step) as process:
        await process.noted("halted")
        known = sum(note["count"] for note in process.notes("moved"))
        await asyncio.to_thread(node.kill)
        assert await process.end() == 1
    await asyncio.to_thread(node.start)
    drill.broken()
    await finish(drill, queues, worker, ids)
    # A broker that dies forgets the acknowledgements that it had not yet written to its disk.
    drill.check(within=30, duplicates=known + LOT, marked=False)


@pytest.mark.parametrize(("kind", "number"), STOPS)
async def test_stopped_while_replaying(drill, case, queues, worker, ids, number):
    """Stopped by a signal in the middle, it tells what was moved; then a second replay."""
    async with worker("replaying", RATE="300/s") as process:
        await process.noted("moved", 2)
        process.send(number)
        assert await process.end() == 128 + number
        (told,) = filter(None, map(TOLD.fullmatch, process.output))
    drill.broken()
    await queues.hold("drill", int(told[1]))
    await queues.hold("drill.dead", COUNT - int(told[1]))
    await finish(drill, queues, worker, ids)
    drill.check(within=30)
