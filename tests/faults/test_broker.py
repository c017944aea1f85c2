"""Broker and network."""

import asyncio
import itertools
import signal

import pytest

from scripts.rabbitmq.probe import free_ports
from tests.faults.queues import Queues

PREFETCH = 50
"""That of the `counting` worker."""
HEARTBEAT = 1
FOUND = 3 * (HEARTBEAT + 1) + 1
"""Seconds after which a broker that answers nothing must be known for dead."""
CUTS = (64, 1000, 100, 2000, 250, 3000, 500, 4096)


@pytest.mark.long
async def test_broker_killed(drill, queues, worker, node):
    """Broker killed with -9 and started again."""
    first = await queues.publish("drill", range(1000))
    await asyncio.to_thread(node.keep_queues)
    async with worker("counting", PAUSE="0.05") as process:
        await process.noted("handled", 300)
        await asyncio.to_thread(node.kill)
        known = len(process.notes("handled"))
        await asyncio.to_thread(node.start)
        drill.broken()
        later = await queues.publish("drill", range(1000, 1100))
        await process.handled(first | later)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    # A broker that dies forgets the acknowledgements that it had not yet written to its disk.
    drill.check(within=15, duplicates=known + PREFETCH)


@pytest.mark.slow
async def test_broker_stopped(drill, queues, worker, node):
    """Broker stopped and started again."""
    first = await queues.publish("drill", range(1000))
    async with worker("counting", PAUSE="0.05") as process:
        await process.noted("handled", 300)
        await asyncio.to_thread(node.stop)
        await asyncio.to_thread(node.start)
        drill.broken()
        later = await queues.publish("drill", range(1000, 1100))
        await process.handled(first | later)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=15, duplicates=PREFETCH)


async def test_broker_down_at_boot(drill, queues, worker, node):
    """Broker down when the worker starts."""
    ids = await queues.publish("drill", range(100))
    await asyncio.to_thread(node.stop)
    async with worker("counting") as process:
        await process.logged("cannot connect")
        await asyncio.to_thread(node.start)
        drill.broken()
        await process.handled(ids)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=15)


async def test_connections_closed(drill, queues, worker, ctl):
    """All connections closed by the operator."""
    await queues.publish("drill", range(2000))
    async with worker("counting", PAUSE="0.25") as process:
        await process.noted("started")
        await ctl("close_all_connections", "on purpose")
        drill.broken()
        await process.logged("consuming", 2)
        drill.recovered()
        await process.noted("handled", len(process.notes("handled")) + 2 * PREFETCH)
        process.send(signal.SIGTERM)
        assert await process.end() == 0
        process.account(drill.ledger)
    await queues.account()
    assert drill.ledger.left, "the fault came when nothing was left to do"
    drill.check(within=5, duplicates=PREFETCH)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_frames_cut(drill, case, queues, worker, proxy, loop):
    """Bytes cut in the middle of a frame, again and again."""
    # Bodies of all sizes: a cut falls into a handshake, a method, a header or a body.
    bodies = {str(number): b"9" * (number * 7 % 1500 + 1) for number in range(500)}
    ids = await queues.publish("drill", bodies)
    proxy.cuts = itertools.chain(CUTS, itertools.repeat(None))
    async with worker("counting", proxy.port, ASYNCWORKER_LOOP=loop) as process:
        drill.broken()
        await process.handled(ids)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    assert proxy.connections > len(CUTS)
    drill.check(within=30, duplicates=PREFETCH * len(CUTS))


@pytest.mark.long
@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("silent", ["node", "network"])
async def test_half_open(drill, queues, worker, node, proxy, silent):
    """Half-open: the other end goes silent, and the connection stays open."""
    silence, speech = {
        "node": (node.pause, node.resume),
        "network": (proxy.stall, proxy.flow),
    }[silent]
    first = await queues.publish("drill", range(500))
    url = f"amqp://guest:guest@127.0.0.1:{proxy.port}/?heartbeat={HEARTBEAT}"
    async with worker("counting", URL=url) as process:
        await process.noted("handled", 100)
        silence()
        drill.broken()
        await process.logged("not consumed: ")
        drill.recovered()
        speech()
        later = await queues.publish("drill", range(500, 600))
        await process.handled(first | later)
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=FOUND, duplicates=PREFETCH)


@pytest.mark.long
async def test_slow_link(drill, queues, worker, proxy):
    """A slow link: every byte takes a second each way."""
    proxy.delay = 1.0
    ids = await queues.publish("drill", range(500))
    url = f"amqp://guest:guest@127.0.0.1:{proxy.port}/?heartbeat=2"
    async with worker("counting", URL=url) as process:
        await process.handled(ids)
        process.account(drill.ledger)
        assert proxy.connections == 1
    await queues.account()
    drill.check()


async def test_first_host_dead(drill, queues, worker, private_node):
    """A URL of two hosts, the first of them dead."""
    ids = await queues.publish("drill", range(100))
    hosts = f"127.0.0.1:{free_ports(1)[0]},127.0.0.1:{private_node.port}"
    async with worker("counting", URL=f"amqp://guest:guest@{hosts}/") as process:
        await process.noted("starting")
        drill.broken()
        await process.handled(ids)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=5)


async def test_wrong_password(drill, queues, worker, private_node, user, ctl):
    """Wrong password: one clear line, and tried again until it is right."""
    ids = await queues.publish("drill", range(100))
    host = f"127.0.0.1:{private_node.port}"
    line = f"cannot connect to amqp://{user}@{host}, vhost '/': the broker refuses user '{user}'"
    try:
        async with worker("counting", URL=f"amqp://{user}:s3cret@{host}/") as process:
            await process.noted("starting")
            drill.broken()
            await process.logged(line)
            drill.recovered()
            await ctl("change_password", user, "s3cret")
            await process.handled(ids)
            process.account(drill.ledger)
            assert len(process.entries("cannot connect")) == 1
            assert "s3cret" not in str((process.log, process.output))
    finally:
        await ctl("change_password", user, user)
    await queues.account()
    drill.check(within=2)


async def test_missing_vhost(drill, worker, private_node, ctl):
    """Missing vhost: one clear line, and tried again until it is there."""
    url = f"{private_node.url}drill"
    queues = Queues(url, drill.ledger)
    async with worker("counting", URL=url) as process:
        await process.noted("starting")
        drill.broken()
        await process.logged("vhost 'drill' does not exist")
        drill.recovered()
        await asyncio.to_thread(private_node.add_vhost, "drill")
        try:
            await queues.declare("drill")
            await process.handled(await queues.publish("drill", range(100)))
            process.account(drill.ledger)
            assert len(process.entries("cannot connect")) == 1
            await queues.account()
        finally:
            await ctl("delete_vhost", "drill")
    drill.check(within=2)
