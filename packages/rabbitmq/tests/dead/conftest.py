"""Queues whose messages die, and letters as workers write them."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from asyncworker.rabbitmq.dead import DeadQueue

LIMIT = 60


@pytest.fixture
def name():
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=["classic", "quorum"])
def kind(request):
    """The type of the dead-letter queue."""
    return request.param


@pytest.fixture
async def dead_name(declare, name, kind):
    """The name of a dead-letter queue."""
    return await declare(f"{name}.dead", **{"x-queue-type": kind})


@pytest.fixture
async def source(declare, name, dead_name):
    """The name of a queue that dead-letters to it."""
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead_name}
    return await declare(name, **arguments)


@pytest.fixture
def dead(connection, dead_name):
    return DeadQueue(connection, dead_name)


@pytest.fixture
def holds(depth):
    """Wait until so many messages are in a queue."""

    async def holds(queue, count):
        async with asyncio.timeout(LIMIT):
            # What changes is the broker's, which does not tell.
            while await depth(queue) != count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    return holds


@pytest.fixture
def die(admin, publish, depth, holds, source, dead_name):
    """Publish messages, and reject them."""

    async def die(*bodies, **properties):
        before = await depth(dead_name)
        await publish(source, *bodies, **properties)
        queue = await admin.get_queue(source)
        for _ in bodies:
            await (await queue.get()).reject(requeue=False)
        await holds(dead_name, before + len(bodies))

    return die


@pytest.fixture
def written(publish, source, dead_name):
    """Publish dead letters as a worker writes them."""

    async def written(error, *bodies, age=0.0, headers=None, **properties):
        failed_at = datetime.now(UTC) - timedelta(seconds=age)
        told = {
            "x-asyncworker-error": error,
            "x-asyncworker-handler": "pay",
            "x-asyncworker-queue": source,
            "x-asyncworker-attempts": 3,
            "x-asyncworker-attempt": 3,
            "x-asyncworker-first-failed-at": (failed_at - timedelta(hours=1)).isoformat(),
            "x-asyncworker-failed-at": failed_at.isoformat(),
            "x-asyncworker-exchange": "amq.topic",
            "x-asyncworker-routing-key": "orders.new",
            **(headers or {}),
        }
        await publish(dead_name, *bodies, headers=told, **properties)

    return written


@pytest.fixture
def bodies(admin, holds):
    """Take out of a queue all that it holds, when that is so much: going back takes a while."""

    async def bodies(queue, count):
        await holds(queue, count)
        open_queue = await admin.get_queue(queue)
        return [(await open_queue.get(no_ack=True)).body for _ in range(count)]

    return bodies
