"""Routes that begin with no more than so many messages in some time."""

import asyncio
import json

import pytest

from asyncworker import App, Options, Rate, RouteTypes
from asyncworker.rabbitmq import AMQPConnection
from asyncworker.testing import TestApp


def served(app, handler, rate, queues=("orders",), **options):
    given = {Options[name]: one for name, one in options.items()}
    app.route(list(queues), type=RouteTypes.AMQP_RABBITMQ, options={Options.RATE: rate, **given})(
        handler
    )


@pytest.fixture
def memory_app():
    return App(connections=[AMQPConnection(url="memory://")])


async def test_a_test_turns_the_clock_of_a_rate(memory_app, inbox):
    served(memory_app, inbox, Rate(1, per=60, burst=2))
    async with TestApp(memory_app) as worker:
        for number in range(6):
            await worker.publish(number, "orders")
        await worker.idle()
        assert await inbox.bodies(2) == [0, 1]
        await worker.advance(60)
        await worker.idle()
        assert await inbox.bodies(1) == [2]
        await worker.advance(59)
        await worker.idle()
        assert inbox.batches.empty()
        await worker.advance(200)
        await worker.idle()
        assert await inbox.bodies(3) == [3, 4, 5]


async def test_each_key_has_a_rate_of_its_own(memory_app, inbox):
    served(memory_app, inbox, Rate(1, per=60, burst=1, by=lambda message: message.body[0]))
    async with TestApp(memory_app) as worker:
        for body in ("a1", "a2", "b1"):
            await worker.publish(body, "orders")
        await worker.idle()
        assert await inbox.bodies(2) == ["a1", "b1"]
        await worker.advance(60)
        await worker.idle()
        assert await inbox.bodies(1) == ["a2"]


@pytest.mark.usefixtures("path")
async def test_what_waits_is_not_taken_from_the_broker_beyond_a_prefetch(
    amqp_url, queue, publish, depth, limit, inbox
):
    connection = AMQPConnection(url=amqp_url, prefetch=10)
    app = App(connections=[connection])
    await publish(queue, *(json.dumps(number).encode() for number in range(50)))
    served(app, inbox, Rate(1, per=3600, burst=3), [queue])
    async with app.started():
        assert await inbox.bodies(3) == [0, 1, 2]
        async with asyncio.timeout(limit):
            while await depth(queue) != 37:
                pass
    # What waited went back.
    assert await depth(queue) == 47


@pytest.mark.usefixtures("path")
async def test_a_shared_rate_is_divided_among_the_consumers(
    amqp_url, queue, publish, limit, inbox, monkeypatch
):
    monkeypatch.setattr("asyncworker.rabbitmq.consuming.rate_share.INTERVAL", 0.01)
    shares = asyncio.Queue()
    monkeypatch.setattr(
        "asyncworker.intake.throttle.Throttle.share", lambda _, among: shares.put_nowait(among)
    )

    def app():
        made = App(connections=[AMQPConnection(url=amqp_url)])
        served(made, inbox, Rate(100, shared=True), [queue])
        return made

    async def until(count):
        async with asyncio.timeout(limit):
            while await shares.get() != count:
                pass

    async with app().started():
        await until(1)
        async with app().started():
            await until(2)
        await until(1)


@pytest.mark.usefixtures("path")
async def test_a_queue_that_is_missing_leaves_the_share_of_the_others(
    amqp_url, queue, limit, inbox, monkeypatch
):
    monkeypatch.setattr("asyncworker.rabbitmq.consuming.rate_share.INTERVAL", 0.01)
    shares = asyncio.Queue()
    monkeypatch.setattr(
        "asyncworker.intake.throttle.Throttle.share", lambda _, among: shares.put_nowait(among)
    )
    app = App(connections=[AMQPConnection(url=amqp_url)])
    served(app, inbox, Rate(100, shared=True), ["missing", queue])
    async with app.started(), asyncio.timeout(limit):
        while await shares.get() != 1:
            pass
