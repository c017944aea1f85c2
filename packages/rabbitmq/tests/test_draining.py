"""The end of a run: what runs is finished and settled, the rest goes back."""

import asyncio

import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.rabbitmq import AMQPConnection

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
