"""What keeps the routes of an app from working now."""

import pytest

from asyncworker import App, Options, Rate, RouteTypes
from asyncworker.options import Events
from asyncworker.rabbitmq import AMQPConnection, Retry
from asyncworker.testing import TestApp

WAITING = "handler: 2 messages waiting for a rate, or behind one that is held"


@pytest.fixture
def app():
    return App(connections=[AMQPConnection(url="memory://")])


async def test_a_rate_that_is_used_up_is_told(app):
    handled = []

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ, options={Options.RATE: Rate(1, per=60)})
    async def handler(messages):
        handled.append(messages[0].body)

    async with TestApp(app) as worker:
        for number in range(3):
            await worker.publish(number, "orders")
        await worker.idle()
        [problem] = app.problems
        assert problem.endswith(WAITING)
        for _ in range(2):
            await worker.advance(60)
            await worker.idle()
        assert app.problems == []
        assert handled == [0, 1, 2]


async def test_a_key_that_is_held_is_told(app):
    failing = [True]

    @app.route(
        ["orders"],
        type=RouteTypes.AMQP_RABBITMQ,
        options={
            Options.ORDER_BY: lambda message: message.body,
            Events.ON_EXCEPTION: Retry(attempts=3, delay=60),
        },
    )
    async def handler(messages):
        if failing:
            failing.pop()
            raise LookupError

    async with TestApp(app) as worker:
        for _ in range(2):
            await worker.publish("a", "orders")
        await worker.idle()
        [problem] = app.problems
        assert problem.endswith(WAITING)
        await worker.advance(70)
        await worker.idle()
        assert app.problems == []
        assert len(worker.errors) == 1
