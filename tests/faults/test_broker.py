"""Broker and network."""

import asyncio

PREFETCH = 50
"""That of the `counting` worker."""


async def test_broker_killed(drill, queues, worker, private_node):
    """Broker killed with -9 and started again."""
    first = await queues.publish("drill", range(1000))
    async with worker("counting") as process:
        await process.noted("handled", 300)
        await asyncio.to_thread(private_node.kill)
        known = len(process.notes("handled"))
        await asyncio.to_thread(private_node.start)
        drill.broken()
        later = await queues.publish("drill", range(1000, 1100))
        await process.handled(first | later)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    # A broker that dies forgets the acknowledgements that it had not yet written to its disk.
    drill.check(within=15, duplicates=known + PREFETCH)


async def test_frames_cut(drill, queues, worker, proxy):
    """Bytes cut in the middle of a frame, again and again."""
    ids = await queues.publish("drill", range(500))
    proxy.cut_after = 4096
    async with worker("counting", proxy.port) as process:
        drill.broken()
        await process.logged("connected to", 3)
        proxy.cut_after = None
        await process.handled(ids)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    drill.check(within=30, duplicates=PREFETCH * proxy.connections)
