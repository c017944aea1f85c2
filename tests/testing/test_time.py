"""The time that TestApp lets pass, for brokers and schedules."""

import asyncio

import pytest

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.errors import HandlerTimeout
from asyncworker.rabbitmq import Binding, Exchange, Queue, Retry, Unroutable
from asyncworker.testing import NotIdle, TestApp


async def test_turns_the_brokers_clock_forward(app):
    handled = []

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        handled.extend(message.body for message in messages)

    async with TestApp(app) as worker:
        waiting = worker.queue(
            "later",
            x_message_ttl=3_600_000,
            x_dead_letter_exchange="",
            x_dead_letter_routing_key="orders",
        )
        await worker.publish("late", "later")
        await worker.idle()
        assert (handled, waiting.bodies) == ([], ["late"])
        await worker.advance(3_599)
        assert waiting.bodies == ["late"]
        await worker.advance(2)
        await worker.idle()
        assert (handled, waiting.bodies) == (["late"], [])


@pytest.mark.parametrize("delay", [0.125, 1, 3600, 86_400, 400_000_000.5])
async def test_a_delayed_message_comes_when_its_time_has_passed(app, delay):
    handled = []

    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        handled.extend(message.body for message in messages)

    async with TestApp(app) as worker:
        await worker.publish("late", "orders", delay=delay, headers={"own": 1})
        await worker.idle()
        if delay > 1:
            await worker.advance(delay - 1)
            await worker.idle()
            assert handled == []
        await worker.advance(min(delay, 1))
        await worker.idle()
        assert handled == ["late"]
        (delivery,) = worker.messages
        assert (delivery.headers, delivery.redelivered) == ({"own": 1}, False)


async def test_a_handler_is_late_only_from_when_it_can_run(app):
    """A quorum queue takes back what is not settled within half an hour."""

    @app.route([Queue("orders", type="quorum")], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        await asyncio.sleep(0)

    async with TestApp(app) as worker:
        await worker.publish("late", "orders", delay=60)
        await worker.advance(86_400)
        await worker.idle()
        assert [one.outcome for one in worker.messages] == ["acked"]


async def test_a_delayed_message_waits_for_a_queue_that_is_missing(app):
    @app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        await asyncio.sleep(0)

    async with TestApp(app) as worker:
        with pytest.raises(Unroutable, match="no queue 'invoices'"):
            await worker.publish("late", "invoices", delay=60)
        await worker.publish("late", "invoices", delay=60, mandatory=False)
        await worker.advance(100)
        invoices = worker.queue("invoices")
        await worker.advance(179)
        assert invoices.bodies == ["late"]


async def test_turns_the_clock_of_schedules_forward():
    app, runs = App(), []

    @app.run_every(60)
    async def each_minute():
        # As one that asks a server.
        await asyncio.sleep(0.001)
        runs.append("minute")

    @app.run_every(3600, first=90)
    async def each_hour(app):
        runs.append("hour")

    schedules = list(app.schedules)
    async with TestApp(app) as worker:
        assert runs == ["minute"]
        await worker.advance(59.9)
        await worker.idle()
        assert runs == ["minute"]
        await worker.advance(0.1)
        await worker.idle()
        assert runs == ["minute"] * 2
        await worker.advance(120)
        await worker.idle()
        assert runs == [*["minute"] * 2, "hour", *["minute"] * 2]
    assert app.schedules == schedules


async def test_lets_days_pass_for_what_runs_at_a_time_of_day():
    app, runs = App(), []

    @app.run_at("30 2 * * MON-FRI")
    async def report():
        runs.append("report")

    async with TestApp(app) as worker:
        assert runs == []
        await worker.advance(7 * 24 * 3600)
        await worker.idle()
        assert runs == ["report"] * 5


async def test_lets_time_pass_for_schedules_and_brokers_together():
    connections = [AMQPConnection(hostname="a.invalid"), AMQPConnection(hostname="b.invalid")]
    app, bodies = App(connections=connections), []

    @app.run_every(60, first=60)
    async def ask():
        bodies.append(worker.queue("q", connection=connections[0], x_message_ttl=90_000).bodies)
        await connections[0].put(len(bodies), "q")

    async with TestApp(app) as worker:
        await worker.advance(240)
        await worker.idle()
    assert bodies == [[], [1], [2], [3]]


async def test_knows_of_the_runs_of_schedules():
    app, may_end = App(), asyncio.Event()

    @app.run_every(60, first=60)
    async def slow():
        await may_end.wait()
        raise ValueError

    @app.run_every(60, first=60, options={Options.TIMEOUT: 0.01})
    async def endless():
        await asyncio.sleep(60)

    async with TestApp(app) as worker:
        await worker.advance(60)
        with pytest.raises(NotIdle, match=r"handler test_knows.*\.slow, every 60 s runs"):
            await worker.idle(timeout=0.5)
        may_end.set()
        await worker.idle()
        assert {type(error) for error in worker.errors} == {ValueError, HandlerTimeout}


async def test_brings_retries_forward_and_declares_what_routes_declare(app):
    attempts = []

    @app.route(
        [Queue("orders", bind=[Binding(Exchange("events", type="topic"), "order.*")])],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Events.ON_EXCEPTION: Retry(attempts=3, delay=60, then=Actions.REJECT)},
    )
    async def handler(messages):
        attempts.extend(message.attempt for message in messages)
        raise ValueError

    async with TestApp(app) as worker:
        await worker.publish(1, "order.new", "events")
        for count in (1, 2, 3):
            await worker.idle()
            assert attempts == list(range(1, count + 1))
            await worker.advance(300)
        assert [one.outcome for one in worker.messages] == ["acked", "acked", "rejected"]
        assert len(worker.errors) == 3
