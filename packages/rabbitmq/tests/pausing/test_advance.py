"""Pauses by the clock of tests."""

from asyncworker import App, Breaker, Options, Pause, RouteTypes
from asyncworker.rabbitmq import AMQPConnection
from asyncworker.testing import TestApp


async def test_time_that_is_turned_ends_a_pause(database):
    app = App(connections=[AMQPConnection(url="memory://")])
    app.route(
        ["orders"],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Options.BREAKER: Breaker(of=1, pause=5)},
    )(database.store)

    async with TestApp(app) as worker:
        await worker.publish("first", "orders")
        await worker.publish("second", "orders")
        await worker.idle()
        assert database.asked == 1
        (problem,) = app.problems
        assert "paused for 5 s" in problem

        await worker.advance(4)
        await worker.idle()
        assert database.asked == 1
        await worker.advance(1)
        await worker.idle()
        assert database.asked == 2
        (problem,) = app.problems
        assert "paused for 10 s" in problem

        database.is_down = False
        await worker.advance(10)
        await worker.idle()
        assert database.stored.qsize() == 2
        assert app.problems == []
        assert [type(error).__name__ for error in worker.errors] == ["DatabaseDown"] * 2


async def test_a_pause_by_hand_is_over_by_hand(inbox):
    app = App(connections=[AMQPConnection(url="memory://")])
    app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)(inbox)

    async with TestApp(app) as worker:
        app.pause(inbox)
        await worker.publish(1, "orders")
        await worker.advance(1_000_000)
        await worker.idle()
        assert worker.queue("orders").bodies == [1]
        app.resume(inbox)
        await worker.idle()
        assert await inbox.bodies(1) == [1]


async def test_a_handler_says_how_long(inbox):
    app = App(connections=[AMQPConnection(url="memory://")])
    limited = [Pause(30)]

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def call(messages):
        if limited:
            raise limited.pop()
        await inbox(messages)

    async with TestApp(app) as worker:
        await worker.publish(1, "orders")
        await worker.idle()
        await worker.advance(30)
        await worker.idle()
        assert await inbox.bodies(1) == [1]
        assert [repr(error) for error in worker.errors] == ["Pause(30)"]
