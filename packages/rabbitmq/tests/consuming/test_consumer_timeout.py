"""Handlers that take longer than RabbitMQ waits for a message to be settled.

Since 4.3 it takes the consumer of a quorum queue back, and leaves the channel open. What it did
before is a fault drill, as it takes a broker of one's own.
"""

import asyncio
import uuid
from collections import Counter

import pytest

from asyncworker import Actions, App, Events, RouteTypes
from asyncworker.rabbitmq import AMQPConnection, Consumer, Queue

pytestmark = pytest.mark.usefixtures("path")

MILLISECONDS = 1000
HINT = "the broker waits 1000 ms for a message to be settled"
TAKEN_BACK = "the broker took the consumer of queue"


@pytest.fixture
async def patient(admin, broker_version):
    """A queue that waits for a second only."""
    if broker_version < (4, 3):
        pytest.skip("a queue has a time limit of its own since RabbitMQ 4.3")
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield Queue(name, type="quorum", arguments={"x-consumer-timeout": MILLISECONDS})
    await admin.queue_delete(name)


async def test_a_consumer_may_say_it_too(amqp_url, declare, publish, depth, logs, broker_version):
    if broker_version < (4, 3):
        pytest.skip("a consumer has a time limit of its own since RabbitMQ 4.3")
    app = App(connections=[AMQPConnection(url=amqp_url, prefetch=1)])
    queue, slow = await declare(**{"x-queue-type": "quorum"}), Slow()
    consumer = Consumer(timeout=MILLISECONDS / 1000)
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ, consumer=consumer)(slow)
    async with app.started():
        await publish(queue, b"1")
        await logs.wait(f"queue {queue!r}, vhost '/': consuming", 2)
        slow.released.set()
        await slow.until({1: 2})
    assert slow.twice == []
    assert await depth(queue) == 0
    assert len(logs.matching(HINT)) == 1


class Slow:
    """A handler that takes until it is released, and is never at a message twice at once."""

    def __init__(self):
        self.released = asyncio.Event()
        self.handled = Counter()
        self.twice = []
        self._running = set()
        self._changed = asyncio.Event()

    async def __call__(self, messages):
        (message,) = messages
        if message.body in self._running:
            self.twice.append(message.body)
        self._running.add(message.body)
        await self.released.wait()
        self._running.remove(message.body)
        self.handled[message.body] += 1
        self._changed.set()

    async def until(self, handled):
        """Wait until each message was handled so often."""
        async with asyncio.timeout(60):
            while self.handled != handled:
                self._changed.clear()
                await self._changed.wait()


@pytest.mark.parametrize("outcome", [Actions.ACK, Actions.REJECT])
async def test_its_messages_come_again_and_no_other_route_notices(
    amqp_url, queue, patient, publish, depth, inbox, logs, outcome
):
    app = App(connections=[AMQPConnection(url=amqp_url, prefetch=3)])
    slow = Slow()
    options = {Events.ON_SUCCESS: outcome}
    app.route([patient], type=RouteTypes.AMQP_RABBITMQ, options=options)(slow)
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await logs.wait(f"queue {patient.name!r}, vhost '/': consuming")
        await publish(patient.name, b"1", b"2", b"3")
        await logs.wait(f"queue {patient.name!r}, vhost '/': consuming", 3)
        await publish(queue, b"4")
        assert await inbox.bodies(1) == [4]
        slow.released.set()
        await logs.wait("ended after its channel was lost", 3)
        await slow.until({1: 2, 2: 2, 3: 2})

    assert slow.twice == []
    assert slow.handled == {1: 2, 2: 2, 3: 2}
    assert await depth(patient.name) == 0
    assert len(logs.matching(f"queue {queue!r}, vhost '/': consuming")) == 1
    assert len(logs.matching(HINT)) == 1
    assert all(TAKEN_BACK in each.getMessage() for each in logs.matching("not consumed: "))


async def test_what_waits_for_a_handler_is_given_back_uncounted(
    amqp_url, patient, publish, inbox, logs
):
    """What no handler was given must not come nearer to being dropped."""
    app = App(connections=[AMQPConnection(url=amqp_url, prefetch=2)])
    slow = Slow()
    counts = []

    @app.route([patient], type=RouteTypes.AMQP_RABBITMQ, options={"max_concurrency": 1})
    async def handler(messages):
        counts.append((messages[0].body, messages[0].delivery_count))
        await slow(messages)

    async with app.started():
        await publish(patient.name, b"1", b"2")
        await logs.wait(f"queue {patient.name!r}, vhost '/': consuming", 3)
        slow.released.set()
        await slow.until({1: 2, 2: 1})

    assert slow.twice == []
    assert counts == [(1, 0), (1, 0), (2, 0)] or counts == [(1, 0), (2, 0), (1, 0)]
