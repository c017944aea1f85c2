"""Health and metrics."""

import asyncio
import signal

import pytest

from tests.faults.monitor import ON, Monitor

NOTICED = 2
"""Seconds after which a probe must know of what is wrong, or is right again."""
RECONNECTED = 15
"""Seconds after which a worker consumes again from a broker that is there again."""


async def test_queue_deleted(drill, queues, worker):
    """Queue deleted while it is consumed: readiness names it, and metrics show it."""
    await queues.declare("deleted")
    async with worker("counting", QUEUES="drill,deleted", **ON) as process:
        async with Monitor.of(process) as monitor:
            await monitor.until_ready()
            assert await monitor.metric("asyncworker_consuming", queue="deleted") == 1
            drill.broken()
            await queues.delete("deleted")
            await monitor.until_not_ready("deleted")
            drill.recovered()
            assert await monitor.metric("asyncworker_consuming", queue="deleted") == 0
            assert await monitor.metric("asyncworker_consuming", queue="drill") == 1
            assert await monitor.lives()
            await process.handled(await queues.publish("drill", range(100)))
            await queues.declare("deleted")
            await monitor.until_ready()
            await process.handled(await queues.publish("deleted", range(100, 200)))
            await monitor.until_metric(200, "asyncworker_messages_total", outcome="ack")
            assert await monitor.metric("asyncworker_messages_total") == 200
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=NOTICED)


@pytest.mark.slow
async def test_broker_stopped(drill, queues, worker, node):
    """Broker stopped and started again: not ready meanwhile, but alive."""
    async with worker("counting", **ON) as process, Monitor.of(process) as monitor:
        await monitor.until_ready()
        lost = await monitor.metric("asyncworker_connections_lost_total")
        await asyncio.to_thread(node.stop)
        await monitor.until_not_ready("drill")
        assert await monitor.metric("asyncworker_consuming", queue="drill") == 0
        await monitor.until_metric(lost + 1, "asyncworker_connections_lost_total")
        assert await monitor.lives()
        await asyncio.to_thread(node.start)
        drill.broken()
        await monitor.until_ready()
        drill.recovered()
        await process.handled(await queues.publish("drill", range(100)))
        await monitor.until_metric(100, "asyncworker_messages_total", outcome="ack")
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=RECONNECTED)


async def test_broker_down_at_boot(drill, queues, worker, node):
    """Broker down when the worker starts: alive, but not ready until it consumes."""
    ids = await queues.publish("drill", range(100))
    await asyncio.to_thread(node.stop)
    async with worker("counting", **ON) as process, Monitor.of(process) as monitor:
        await monitor.until_not_ready("")
        assert await monitor.lives()
        assert await monitor.metric("asyncworker_consuming", queue="drill") == 0
        await asyncio.to_thread(node.start)
        drill.broken()
        await monitor.until_ready()
        drill.recovered()
        await process.handled(ids)
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=RECONNECTED)


async def test_tripped(drill, queues, worker, tmp_path):
    """Route paused by its breaker: still ready, and metrics and status say so."""
    down = tmp_path / "down"
    down.touch()
    environment = {"DOWN": str(down), "PAUSE": "5", "MAX_PAUSE": "5"}
    async with worker("depending", **environment, **ON) as process:
        async with Monitor.of(process) as monitor:
            await monitor.until_ready()
            assert await monitor.metric("asyncworker_paused", queue="drill") == 0
            ids = await queues.publish("drill", range(100))
            drill.broken()
            await monitor.until_metric(1, "asyncworker_paused", queue="drill")
            drill.recovered()
            assert await monitor.ready() == (200, [])
            standing = await monitor.standing("drill")
            assert standing["state"] == "paused"
            assert "the database does not answer" in standing["reason"]
            assert await monitor.metric("asyncworker_consuming", queue="drill") == 0
            down.unlink()
            await process.handled(ids)
            await monitor.until_metric(0, "asyncworker_paused", queue="drill")
            assert await monitor.metric("asyncworker_consuming", queue="drill") == 1
            assert (await monitor.ready())[0] == 200
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=NOTICED)


async def test_drained(drill, queues, worker):
    """Stopped with a handler at work: not ready from the signal on, alive to the end."""
    await queues.publish("drill", {"slow": b"{}"})
    async with worker("waiting", **ON) as process, Monitor.of(process) as monitor:
        await process.noted("started")
        await monitor.until_ready()
        assert await monitor.metric("asyncworker_in_flight") == 1
        drill.broken()
        process.send(signal.SIGTERM)
        await monitor.until_not_ready("draining")
        drill.recovered()
        assert await monitor.lives()
        assert await monitor.metric("asyncworker_in_flight") == 1
        process.send(signal.SIGUSR1)
        assert await process.end() == 0
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=NOTICED)
