"""The end of a run: what runs is finished and settled, the rest goes back."""

import asyncio

import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.rabbitmq import AMQPConnection
from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel

pytestmark = pytest.mark.usefixtures("path")


def numbered(count):
    return [str(number).encode() for number in range(count)]


async def test_finishes_and_confirms_what_runs(app, queue, publish, depth, inbox):
    release = asyncio.Event()

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        await inbox(messages)
        await release.wait()

    async with app.started():
        await publish(queue, *numbered(20))
        await inbox.bodies(20)
        asyncio.get_running_loop().call_soon(release.set)

    assert await depth(queue) == 0


async def test_returns_what_no_handler_was_given_before_the_running_ones_end(
    amqp_url, queue, publish, depth, inbox
):
    app = App(connections=[AMQPConnection(url=amqp_url, prefetch=10)])
    release = asyncio.Event()

    @app.route(
        [queue],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Options.BULK_SIZE: 3, Options.MAX_CONCURRENCY: 1},
    )
    async def handler(messages):
        await inbox(messages)
        await release.wait()

    async def release_when_returned():
        while await depth(queue) != 27:
            pass
        release.set()

    async with asyncio.TaskGroup() as group, app.started():
        await publish(queue, *numbered(30))
        assert len(await inbox.batch()) == 3
        group.create_task(release_when_returned())

    assert inbox.batches.empty()
    assert await depth(queue) == 27


async def test_a_quorum_queue_has_taken_in_all_of_it_at_the_end(
    amqp_url, admin, declare, publish, depth
):
    """A channel that closes forgets what it has not handed on to such a queue."""
    queue = await declare(**{"x-queue-type": "quorum"})
    app = App(connections=[AMQPConnection(url=amqp_url, prefetch=500)])
    given, release = asyncio.Event(), asyncio.Event()

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options={Options.MAX_CONCURRENCY: 1})
    async def handler(messages):
        given.set()
        await release.wait()

    async def release_when_some_are_back():
        while await depth(queue) == 0:
            pass
        release.set()

    await publish(queue, *numbered(500))
    async with asyncio.TaskGroup() as group, app.started():
        await given.wait()
        while await depth(queue) > 0:
            pass
        group.create_task(release_when_some_are_back())

    # As long as the first one runs, each of the others goes back by itself, before its outcome.
    while await depth(queue) < 499:
        pass
    left = await admin.get_queue(queue)
    assert [(await left.get(no_ack=True)).body for _ in range(499)].count(b"0") == 0
    assert await left.get(fail=False) is None


async def test_begins_to_consume_nothing_when_the_end_has_begun(
    app, declare, publish, depth, inbox, monkeypatch
):
    first, late = await declare(), await declare()
    begun, stopped, asked, release = (asyncio.Event() for _ in range(4))
    consume, stop_consuming = ConsumeChannel.consume, ConsumeChannel.stop_consuming

    async def consume_late(self, queue, how):
        if queue == late:
            begun.set()
            await stopped.wait()
        await consume(self, queue, how)
        if queue == late:
            asked.set()

    async def stop(self, busy):
        await stop_consuming(self, busy)
        stopped.set()

    monkeypatch.setattr(ConsumeChannel, "consume", consume_late)
    monkeypatch.setattr(ConsumeChannel, "stop_consuming", stop)

    @app.route([first, late], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        await inbox(messages)
        await release.wait()

    async def look():
        await asked.wait()
        await publish(late, b"2")
        # No consumer took it, although a handler is still at work.
        assert await depth(late) == 1
        release.set()

    async with asyncio.TaskGroup() as group, app.started():
        await publish(first, b"1")
        await inbox.batch()
        await begun.wait()
        group.create_task(look())

    assert await depth(first) == 0


async def test_leaves_no_task_and_no_problem_behind(app, queue, publish, inbox):
    before = asyncio.all_tasks()
    app.route([queue, "missing"], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await publish(queue, b"1")
        await inbox.batch()
        assert app.problems

    assert app.problems == []
    assert {task for task in asyncio.all_tasks() if not task.done()} <= before


async def test_can_be_started_again(app, queue, publish, inbox):
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    for number in range(3):
        async with app.started():
            await publish(queue, str(number).encode())
            assert await inbox.bodies(1) == [number]


@pytest.mark.parametrize("turns", range(0, 60, 3))
async def test_stops_at_any_moment_of_the_start(amqp_url, queue, inbox, logs, turns):
    """Whatever a stop falls into, a handshake or the opening of a channel, it is obeyed."""
    before = asyncio.all_tasks()
    app = App(connections=[AMQPConnection(url=amqp_url)])
    app.route([queue, "missing"], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    begun = []
    async with asyncio.timeout(15), app.started():
        for _ in range(turns):
            await asyncio.sleep(0)
        # An answer that was read before the stop comes before it to the consumer, too.
        asyncio.get_running_loop().call_soon(lambda: begun.extend(logs.matching("consuming")))
    assert {task for task in asyncio.all_tasks() if not task.done()} <= before
    assert logs.matching("consuming") == begun
