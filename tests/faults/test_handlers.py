"""Handlers."""

import asyncio
import json
import signal

import pytest
from aiohttp import ClientSession

from asyncworker import App
from asyncworker.rabbitmq import AMQPConnection
from tests.faults import hostile
from tests.faults.flood import Flood
from tests.faults.tally import Tally
from tests.faults.waiting import until

PREFETCH = 50
"""That of the workers, when not given."""
SOON = 5
"""Seconds within which a worker that is up handles a hundred messages."""
MILLION = 1_000_000

POISON = {
    "unfinished": b"{",
    "empty": b"",
    "no-text": b"\xff",
    "deep": b"[" * 100_000,
    "wrong-charset": '{"a": "é"}'.encode("latin-1"),
}


def saying(ids, command):
    """The same command for the `obedient` worker under each of the ids."""
    return {str(one): json.dumps(command).encode() for one in ids}


def bulks(process):
    """The sizes of the bulks that each message was handled in."""
    return [note["bulk"] for note in process.notes("handled")]


async def stop(process):
    """The worker is well: it ends as it should."""
    process.send(signal.SIGTERM)
    assert await process.end() == 0


@pytest.mark.parametrize(
    "error", ["RuntimeError", "CancelledError", "SystemExit", "KeyboardInterrupt"]
)
async def test_raises(drill, case, queues, worker, error):
    """Handler raises."""
    async with worker("obedient", BULK_SIZE="7") as process:
        await process.logged("consuming")
        drill.broken()
        ids = await queues.publish("drill", range(50))
        ids |= await queues.publish("drill", saying(range(50, 55), {"raise once": error}))
        ids |= await queues.publish("drill", range(55, 100))
        await process.handled(ids)
        drill.recovered()
        assert 1 <= len(process.entries(f"raised {error}")) <= 5
        await stop(process)
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=SOON)


async def test_hangs(drill, queues, worker):
    """Handler hangs: other routes and HTTP go on."""
    await queues.declare("other")
    await queues.publish("drill", saying(range(PREFETCH + 10), {"hang": "for ever"}))
    async with worker("obedient", QUEUES="drill,other") as process:
        url = f"http://127.0.0.1:{await process.port()}"
        await process.noted("started", PREFETCH)
        drill.broken()
        ids = await queues.publish("other", range(100, 200))
        async with ClientSession(url) as client:
            for _ in range(20):
                async with client.get("/") as response:
                    assert response.status == 200
        await process.handled(ids)
        drill.recovered()
        assert len(process.notes("started")) == PREFETCH + len(ids)
        process.account(drill.ledger)
    await queues.hold("drill", PREFETCH + 10)
    await queues.account()
    drill.check(within=SOON)


async def test_poison(drill, queues, worker):
    """Bodies that are no JSON: `{`, none, `\\xff`, 100,000 nested `[`, a wrong charset."""
    good = {str(number): str(number).encode() for number in range(len(POISON))}
    bodies = {}
    for pair in zip(POISON.items(), good.items(), strict=True):
        bodies |= dict(pair)
    # A bulk that goes out with all the good ones between the bad, and never by its age.
    size = str(len(good))
    async with worker("counting", BULK_SIZE=size, FLUSH_INTERVAL="1000") as process:
        await process.logged("consuming")
        drill.broken()
        await queues.publish("drill", bodies)
        await process.handled(set(good))
        await queues.hold("drill.dead", len(POISON))
        drill.recovered()
        await stop(process)
        process.account(drill.ledger)
    await queues.account()
    # Each was delivered once: each delivery of one is a line in the log.
    assert sorted(entry["message_id"] for entry in process.entries("no JSON")) == sorted(POISON)
    assert set(bulks(process)) == {len(good)}
    assert drill.ledger.dead_lettered == set(POISON)
    drill.check(within=SOON)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        pytest.param(kind, seed, id=f"{kind}, seed {seed}")
        for kind, seed in (("classic", 1), ("classic", 2), ("quorum", 3), ("quorum", 4))
    ],
)
async def test_hostile_messages(drill, case, queues, private_node, logs, kind, seed):
    """25,000 messages with anything in properties, headers and body: all settled."""
    names = {feature: f"hostile.{feature}" for feature in hostile.FEATURES}
    for name in names.values():
        key = "" if name == names["dead"] else names["dead"]
        await queues.declare(name, x_queue_type=kind, x_dead_letter_routing_key=key)
    connection = AMQPConnection(url=private_node.url)
    app = App(connections=[connection])
    target = hostile.Target(app, connection, private_node.url, names)
    async with app.started():
        await target.publish(seed=seed, numbers=range(25_000))
        drill.broken()
        await target.handled()
        drill.recovered()
        assert not app.problems
    for name in names.values():
        await queues.hold(name, 0)
    assert hostile.mistakes(logs.records) == []
    assert connection.late_outcomes == 0
    # From the last one published: how long it takes to publish them all is no promise.
    drill.check_time(within=15, handled=len(target.done))


@pytest.mark.parametrize("count", [1, 128])
async def test_always_fails(drill, case, queues, worker, count):
    """Handler always fails, and its messages go back to the queue: no hot loop."""
    ids = await queues.publish("drill", saying(range(count), {"raise": "RuntimeError"}))
    async with worker("obedient", PREFETCH="128") as process:
        # When all have failed before, the pace is the one that lasts.
        await process.noted("started", 2 * count)
        before = process.cpu
        first = process.notes("started")
        await process.noted("started", len(first) + 30 + 3 * count)
        cpu = process.cpu - before
        later = process.notes("started")
        await stop(process)
        process.account(drill.ledger)
    seconds = later[-1]["at"] - first[-1]["at"]
    again = [note["id"] for note in later[len(first) :]]
    await queues.account()
    assert max(map(again.count, ids)) <= 10 * seconds + 1
    # What a busy machine leaves of the CPU says little about what would be taken. Those that are
    # late as the window begins may come besides.
    assert len(again) <= 100 * seconds + count
    # A failure takes a millisecond, its traceback in the log included, and up to two and a half on
    # a busy machine. A loop that spins takes all there is.
    assert cpu <= 0.1 * seconds + 0.0025 * len(again)
    assert drill.ledger.left == ids
    drill.check()


async def test_last_outcome_wins(drill, queues, worker):
    """Handler accepts, rejects and accepts a message: the last wins, in one frame."""
    accepted = saying(range(100), {"call": ["accept", "reject", "accept"]})
    rejected = saying(range(100, 200), {"call": ["reject", "accept", "reject"]})
    async with worker("obedient", BULK_SIZE="7", ON_SUCCESS="reject") as process:
        await process.logged("consuming")
        drill.broken()
        ids = await queues.publish("drill", accepted | rejected)
        await process.handled(ids)
        await queues.hold("drill.dead", len(rejected))
        drill.recovered()
        await stop(process)
        process.account(drill.ledger)
    await queues.account()
    # The broker closes the channel of whoever settles a message twice.
    assert not process.entries("not consumed")
    assert drill.ledger.dead_lettered == set(rejected)
    assert not drill.ledger.left
    drill.check(within=SOON)


async def test_half_filled_bucket(drill, queues, worker, private_node):
    """Connection lost with a half-filled bucket: no message is in a later bulk twice."""
    async with worker("counting", BULK_SIZE="10", FLUSH_INTERVAL="1000") as process:
        await process.logged("consuming")
        ids = await queues.publish("drill", range(7))
        await queues.hold("drill", 0)
        await asyncio.to_thread(private_node.ctl, "close_all_connections", "on purpose")
        await process.logged("7 messages not yet handled")
        drill.broken()
        ids |= await queues.publish("drill", range(7, 10))
        await process.handled(ids)
        drill.recovered()
        await stop(process)
        process.account(drill.ledger)
    await queues.account()
    assert bulks(process) == [10] * 10
    assert drill.ledger.redelivered.total() == 7
    drill.check(within=SOON)


async def test_prefetch_below_bulk_size(drill, queues, worker):
    """`prefetch` below `BULK_SIZE`: full bulks, as the route has a `prefetch` of that size."""
    environment = {"PREFETCH": "4", "BULK_SIZE": "20", "FLUSH_INTERVAL": "1000"}
    async with worker("counting", **environment) as process:
        await process.logged("consuming")
        drill.broken()
        await process.handled(await queues.publish("drill", range(40)))
        drill.recovered()
        await stop(process)
        process.account(drill.ledger)
    await queues.account()
    assert bulks(process) == [20] * 40
    drill.check(within=SOON)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_million(drill, queues, worker, private_node, tmp_path):
    """1,000,000 messages through one worker: memory flat."""
    tally = Tally(tmp_path / "record", MILLION)
    step = MILLION // 50
    memory = {}
    async with (
        worker("tallying", NUMBERS=str(MILLION)) as process,
        Flood.to(private_node.url) as flood,
    ):
        await process.logged("consuming")
        for start in range(0, MILLION, step):
            await flood.publish("drill", range(start, start + step), drill.ledger)
            await until(lambda start=start: tally.handled >= start, f"{start} handled")
            memory[start] = process.memory
        await until(lambda: tally.handled == MILLION, "all handled")
        assert process.memory <= 1.2 * memory[MILLION // 10]
        await stop(process)
    tally.account(drill.ledger)
    await queues.account()
    drill.check()
