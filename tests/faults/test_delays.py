"""Delayed publishing."""

import asyncio
import random

import pytest

from asyncworker.rabbitmq import AMQPConnection, Message, PublishError

pytestmark = pytest.mark.slow

COUNT = 600
LONGEST = 10
"""Seconds for which the last message waits."""
BURST = 100
PAUSES = (0.02, 0.05, 0.1, 0.2)
"""Seconds before each time that the connection is cut while a burst is published."""
PREFETCH = 50
"""That of the `counting` worker."""
HOPPING = 32
"""The most messages that are on their way from one queue to the next, at each level."""
LEVELS = 8
"""The queues that messages are in: seven levels, and the one by which they leave."""
OUT = "asyncworker.delay.to.queue.drill"
SEND_AGAIN = "application:set_env(rabbit, dead_letter_worker_publisher_confirm_timeout, {})."


def later(numbers, soonest):
    """Messages that come in any order, the first of them after so many seconds."""
    chance = random.Random(7)
    return [
        Message(
            number,
            "drill",
            delay=chance.uniform(soonest, LONGEST),
            message_id=str(number),
            priority=chance.choice([None, 9]),
        )
        for number in numbers
    ]


@pytest.fixture
async def publish(private_node, drill):
    """Publishes messages with a delay, all at once, until each is confirmed."""

    async def publish(numbers, port=None, soonest=0.1):
        messages = later(numbers, soonest)
        drill.ledger.attempted |= {message.message_id for message in messages}
        url = f"amqp://guest:guest@127.0.0.1:{port or private_node.port}/"
        async with AMQPConnection(url=url) as connection, asyncio.TaskGroup() as group:
            for message in messages:
                group.create_task(put(connection, message))
        return {message.message_id for message in messages}

    async def put(connection, message):
        try:
            await connection.put(
                message.body,
                message.routing_key,
                delay=message.delay,
                message_id=message.message_id,
                priority=message.priority,
            )
        except PublishError:
            return
        drill.ledger.confirmed.add(message.message_id)

    return publish


@pytest.fixture
async def out(queues):
    """The queue by which the messages leave; at the end it is deleted."""
    yield OUT
    await queues.delete(OUT)


@pytest.mark.parametrize("end", ["killed with -9", "stopped"])
async def test_broker_gone_while_messages_wait(
    drill, case, queues, worker, node, publish, out, end
):
    """Broker gone while messages wait and while they go from queue to queue, twice."""
    ids = await publish(range(COUNT))
    await asyncio.to_thread(node.keep_queues)
    is_killed, known = end == "killed with -9", 0
    async with worker("counting", PAUSE="0") as process:
        for handled in (100, 300):
            await process.noted("handled", handled)
            await asyncio.to_thread(node.kill if is_killed else node.stop)
            known += len(process.notes("handled")) if is_killed else 0
            await asyncio.to_thread(node.start)
        drill.broken()
        await process.handled(ids)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    # A broker that dies forgets the acknowledgements that it had not yet written to its disk.
    duplicates = known + 2 * (PREFETCH + LEVELS * HOPPING)
    drill.check(within=LONGEST + 20, duplicates=duplicates, marked=False)


async def test_connection_cut_while_publishing(drill, queues, worker, proxy, publish, out):
    """Connection of the publisher cut time and again, between declaring and publishing too."""
    ids: set[str] = set()
    async with worker("counting") as process:
        for first in range(0, COUNT, BURST):
            async with asyncio.TaskGroup() as group:
                group.create_task(cut(proxy))
                ids |= await publish(range(first, first + BURST), proxy.port)
        drill.broken()
        await process.handled(ids)
        drill.recovered()
        process.account(drill.ledger)
    await queues.account()
    assert drill.ledger.confirmed == ids
    # What was published and not yet confirmed is published again.
    drill.check(within=LONGEST + 5, duplicates=len(PAUSES) * COUNT, marked=False)


async def cut(proxy):
    """Cut while the connection opens, while queues are declared, and later."""
    for pause in PAUSES:
        await asyncio.sleep(pause)
        proxy.cut()


async def test_destination_missing(drill, queues, worker, ctl, publish, out):
    """Queue deleted while messages for it wait, and made again when all are due."""
    await ctl("eval", SEND_AGAIN.format(1000))
    try:
        # Those that came before would go with the queue.
        ids = await publish(range(COUNT), soonest=LONGEST / 2)
        await queues.delete("drill")
        await asyncio.sleep(LONGEST + 1)
        await queues.declare("drill")
        drill.broken()
        async with worker("counting") as process:
            await process.handled(ids)
            drill.recovered()
            process.account(drill.ledger)
    finally:
        await ctl("eval", SEND_AGAIN.format(180_000))
    await queues.account()
    drill.check(within=30)
