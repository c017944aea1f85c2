"""The way back: lost connections, missing queues, withdrawn permissions, absent brokers."""

import asyncio

import aio_pika
import pytest

from asyncworker import App, RouteTypes
from asyncworker.rabbitmq import AMQPConnection

pytestmark = [pytest.mark.timeout(180), pytest.mark.usefixtures("path")]


@pytest.fixture
def connection(private_node):
    return AMQPConnection(url=private_node.url)


@pytest.fixture
def amqp_url(private_node):
    """These tests break the broker that they use, so that it must be their own."""
    return private_node.url


async def ctl(node, *args):
    return await asyncio.to_thread(node.ctl, *args)


async def close_connections(node):
    await ctl(node, "close_all_connections", "on purpose")


@pytest.fixture
async def separate(private_node):
    """Publishes and declares by a connection that lives for one call, as others are cut."""

    async def call(action):
        async with (
            await aio_pika.connect(private_node.url) as connection,
            connection.channel() as channel,
        ):
            return await action(channel)

    return call


def publishing(queue, *bodies):
    async def publish(channel):
        for body in bodies:
            await channel.default_exchange.publish(aio_pika.Message(body), routing_key=queue)

    return publish


def declaring(queue):
    return lambda channel: channel.declare_queue(queue, durable=True)


def deleting(queue):
    return lambda channel: channel.queue_delete(queue)


@pytest.fixture
async def lasting(separate):
    """A queue that is gone at the end, whatever happens to connections meanwhile."""
    await separate(declaring("lasting"))
    yield "lasting"
    await separate(deleting("lasting"))


async def test_consumes_again_after_the_connection_was_closed(
    app, private_node, separate, lasting, inbox, logs
):
    app.route([lasting], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await separate(publishing(lasting, b"1"))
        assert await inbox.bodies(1) == [1]
        async with asyncio.TaskGroup() as group:
            # It returns late: by then the app may be connected again.
            group.create_task(close_connections(private_node))
            await logs.wait("not consumed")
            assert app.problems
        await logs.wait("consuming", count=2)
        await separate(publishing(lasting, b"2"))
        assert await inbox.bodies(1) == [2]
        assert app.problems == []


@pytest.fixture
def gate():
    return asyncio.Event()


@pytest.fixture
def slow(app, lasting, inbox, gate):
    """A handler that waits at a gate with the first delivery of a message."""

    @app.route([lasting], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        await inbox(messages)
        if not messages[0].redelivered:
            await gate.wait()


async def lost(node, logs):
    """Lose the channel, and have another, to which everything is delivered again."""
    await close_connections(node)
    await logs.wait("1 message being handled")
    await logs.wait("consuming", count=2)


@pytest.mark.usefixtures("slow")
async def test_a_message_that_comes_again_waits_for_the_handler_that_is_still_at_it(
    app, connection, private_node, separate, lasting, inbox, logs, gate
):
    async with app.started():
        await separate(publishing(lasting, b"1"))
        assert not (await inbox.batch())[0].redelivered
        await lost(private_node, logs)
        # It comes after the first, which goes back to the head of the queue.
        await separate(publishing(lasting, b"2"))
        assert (await inbox.batch())[0].body == 2
        gate.set()
        again = (await inbox.batch())[0]
        assert (again.body, again.redelivered) == (1, True)

    assert logs.matching("ended after its channel was lost")
    assert connection.late_outcomes == 1
    found = await separate(lambda channel: channel.declare_queue(lasting, passive=True))
    assert found.declaration_result.message_count == 0


@pytest.mark.usefixtures("slow")
async def test_what_waits_for_a_handler_goes_back_when_the_app_ends(
    app, private_node, separate, lasting, inbox, logs, gate
):
    async def count():
        found = await separate(lambda channel: channel.declare_queue(lasting, passive=True))
        return found.declaration_result.message_count

    async def open_gate():
        while await count() == 0:
            pass
        gate.set()

    async with asyncio.TaskGroup() as group, app.started():
        await separate(publishing(lasting, b"1"))
        await inbox.batch()
        await lost(private_node, logs)
        await separate(publishing(lasting, b"2"))
        await inbox.batch()
        group.create_task(open_gate())

    assert await count() == 1
    assert inbox.batches.empty()


async def test_waits_for_a_queue_with_one_warning_while_its_siblings_work(
    app, separate, lasting, inbox, logs, limit
):
    app.route([lasting, "later"], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await logs.wait("queue 'later', vhost '/': the queue does not exist: create it")
        await separate(publishing(lasting, b"1"))
        assert await inbox.bodies(1) == [1]
        (problem,) = app.problems
        assert "'later'" in problem

        await separate(declaring("later"))
        async with asyncio.timeout(5 + 1):
            await logs.wait("queue 'later', vhost '/': consuming")
        await separate(publishing("later", b"2"))
        assert await inbox.bodies(1) == [2]
        assert app.problems == []

    await separate(deleting("later"))
    assert len(logs.matching("does not exist")) == 1


async def test_says_why_a_broker_that_was_never_there_is_not_consumed(inbox, logs):
    connection = AMQPConnection("127.0.0.1", "me", "s3cret", port=1)
    app = App(connections=[connection])
    app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ, vhost="shop")(inbox)
    async with app.started():
        await logs.wait("trying again")
        (problem,) = app.problems
    reason = "cannot connect to amqp://me@127.0.0.1:1, vhost 'shop': Connect call failed"
    assert "queue 'orders', vhost 'shop': not consumed: " + reason in problem
    assert "s3cret" not in problem
    assert app.problems == []
    assert len(logs.matching("Connect call failed")) == 1


async def test_one_connection_serves_all_routes_of_a_vhost(
    app, private_node, separate, lasting, logs, inbox
):
    app.route([lasting], type=RouteTypes.AMQP_RABBITMQ)(inbox)

    @app.route([lasting], type=RouteTypes.AMQP_RABBITMQ)
    async def other(messages):
        await inbox(messages)

    async with app.started():
        await logs.wait("consuming", count=2)
        assert len(logs.matching("connected to")) == 1


async def test_ends_although_the_broker_answers_nothing_any_more(
    app, private_node, lasting, inbox, logs, limit
):
    app.route([lasting], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    try:
        async with asyncio.timeout(limit), app.started():
            await logs.wait("consuming")
            await app["rabbitmq_connection"].put(body=1, routing_key=lasting)
            await inbox.batch()
            private_node.pause()
        assert logs.matching("did not answer the close")
    finally:
        private_node.resume()


async def test_ends_while_it_connects_to_a_broker_that_answers_nothing(
    app, private_node, lasting, inbox, limit
):
    app.route([lasting], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    before = asyncio.all_tasks()
    private_node.pause()
    try:
        async with asyncio.timeout(5), app.started():
            # The handshake is under way when the connection is there.
            for _ in range(100):
                await asyncio.sleep(0)
    finally:
        private_node.resume()
    assert {task for task in asyncio.all_tasks() if not task.done()} <= before
