"""Whatever ends a replay, nothing is lost; what comes twice is no more than one lot."""

import asyncio
import contextlib
import json
import uuid

import aio_pika
import pytest
from yarl import URL

from asyncworker.rabbitmq import AMQPConnection, BrokerError
from asyncworker.rabbitmq.dead import DeadQueue
from asyncworker.rabbitmq.dead.sweep import LOT
from tests.faults.proxy import Proxy

COUNT = 500
LIMIT = 90


class Ledger:
    """Know what was published, and find it again."""

    def __init__(self, url, kind):
        self.url = url
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        self.dead = f"{self.name}.dead"
        self._kind = {"x-queue-type": kind}

    async def open(self):
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            for name in (self.name, self.dead):
                await channel.declare_queue(name, durable=True, arguments=self._kind)
            headers = {"x-asyncworker-queue": self.name, "x-asyncworker-error": "OSError: busy"}
            publishing = (
                channel.default_exchange.publish(
                    aio_pika.Message(json.dumps(number).encode(), headers=headers, delivery_mode=2),
                    routing_key=self.dead,
                )
                for number in range(COUNT)
            )
            await asyncio.gather(*publishing)

    async def depth(self, name):
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            found = await channel.declare_queue(name, passive=True)
            return found.declaration_result.message_count

    async def until_moved(self, count):
        async with asyncio.timeout(LIMIT):
            while await self.depth(self.name) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def close(self):
        """Take all out, when nothing is lost; return how many came twice."""
        async with asyncio.timeout(LIMIT):
            # What goes back as connections end, or as a broker starts, takes a while.
            while await self.depth(self.name) + await self.depth(self.dead) < COUNT:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        found = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIMIT):
                # A quorum queue that has just come back may be counted, and yet answer "empty".
                while len(set(found)) < COUNT:
                    found += await self._taken()
        assert set(found) == set(range(COUNT))
        return len(found) - COUNT

    async def _taken(self):
        taken = []
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            for name in (self.name, self.dead):
                queue = await channel.get_queue(name)
                while (message := await queue.get(no_ack=True, fail=False)) is not None:
                    taken.append(json.loads(message.body))
        return taken


@pytest.fixture(params=["classic", "quorum"])
async def ledger(request, private_node):
    ledger = Ledger(private_node.url, request.param)
    await ledger.open()
    yield ledger
    async with await aio_pika.connect(private_node.url) as connection:
        channel = await connection.channel()
        for name in (ledger.name, ledger.dead):
            await channel.queue_delete(name)


def replaying(url, ledger, told, **options):
    dead = DeadQueue(AMQPConnection(url=url), ledger.dead)
    return asyncio.create_task(dead.replay(on_progress=told.append, **options))


@pytest.mark.parametrize("turns", [0, 3, 30, 100, 300, 1000])
async def test_cancelled_it_ends_what_it_has_begun(private_node, ledger, turns):
    told = []
    task = replaying(private_node.url, ledger, told)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(LIMIT):
        done, _ = await asyncio.wait([task])
    assert done
    moved = told[-1].done if told else 0
    await ledger.until_moved(moved)
    assert await ledger.depth(ledger.name) == moved
    assert await ledger.close() == 0


@pytest.mark.parametrize("count", [1, 50, 150])
async def test_cancelled_in_the_middle_it_tells_what_was_moved(private_node, ledger, count):
    told = []
    task = replaying(private_node.url, ledger, told, rate=300)
    await ledger.until_moved(count)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told[-1].done >= count
    assert await ledger.depth(ledger.name) == told[-1].done
    assert await ledger.close() == 0


@pytest.mark.parametrize("count", [1, 100])
async def test_a_lost_connection_loses_nothing(private_node, ledger, count):
    async with Proxy.to(URL(private_node.url).port) as proxy:
        told = []
        task = replaying(f"amqp://guest:guest@127.0.0.1:{proxy.port}", ledger, told, rate=300)
        await ledger.until_moved(count)
        proxy.cut()
        with pytest.raises(BrokerError, match=f"^queue '{ledger.dead}', vhost '/': "):
            async with asyncio.timeout(LIMIT):
                await task
    assert told[-1].found == COUNT
    assert await ledger.close() <= LOT


@pytest.mark.slow
async def test_a_killed_broker_loses_nothing(private_node, ledger):
    await asyncio.to_thread(private_node.keep_queues)
    told = []
    task = replaying(private_node.url, ledger, told, rate=300)
    await ledger.until_moved(50)
    private_node.kill()
    try:
        with pytest.raises(BrokerError):
            async with asyncio.timeout(LIMIT):
                await task
    finally:
        private_node.start()
    assert told[-1].done >= 50
    # A broker that dies forgets the acknowledgements that it had not yet written to its disk.
    assert await ledger.close() <= told[-1].done + LOT
