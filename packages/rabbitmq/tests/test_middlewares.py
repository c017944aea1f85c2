"""Middlewares, error hooks and plain functions around messages."""

import asyncio
import threading

import pytest

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.errors import HandlerTimeout
from asyncworker.rabbitmq import RabbitMQMessage

pytestmark = pytest.mark.usefixtures("path")


async def test_a_middleware_sees_the_messages_and_decides_about_them(
    app, queue, publish, depth, logs, limit
):
    seen, done = [], asyncio.Event()

    @app.middleware
    async def once(call, call_next):
        bodies = [message.body for message in call.items]
        assert all(isinstance(message, RabbitMQMessage) for message in call.items)
        assert call.type is RouteTypes.AMQP_RABBITMQ
        assert call.route.routes == (queue,)
        if bodies == [2]:
            seen.append("skipped")
        else:
            await call_next()
        if len(seen) == 3:
            done.set()

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options={Options.MAX_CONCURRENCY: 1})
    async def handler(messages):
        seen.extend(message.body for message in messages)

    async with app.started(), asyncio.timeout(limit):
        await publish(queue, b"1", b"2", b"3")
        await done.wait()
    assert seen == [1, "skipped", 3]
    assert await depth(queue) == 0


async def test_what_a_middleware_raises_is_the_outcome_of_its_messages(
    app, declare, publish, admin, logs, limit
):
    dead = await declare()
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    source = await declare(**arguments)
    told = []

    async def broken(call, call_next):
        await call_next()
        raise ValueError("no")

    @app.on_error
    def report(error, call):
        assert threading.current_thread() is not threading.main_thread()
        told.append((str(error), [message.body for message in call.items]))

    options = {Events.ON_EXCEPTION: Actions.REJECT}

    @app.route([source], type=RouteTypes.AMQP_RABBITMQ, options=options, middlewares=[broken])
    async def handler(messages): ...

    arrived = asyncio.Queue()
    await (await admin.get_queue(dead)).consume(arrived.put, no_ack=True)
    async with app.started(), asyncio.timeout(limit):
        await publish(source, b"1")
        assert (await arrived.get()).body == b"1"
    assert told == [("no", [1])]
    [record] = logs.matching("raised ValueError('no')")
    assert "handler" in record.getMessage()


async def test_invalid_bodies_are_told_nobody(app, queue, publish, depth, logs):
    told = []

    @app.on_error
    async def report(error, call):
        told.append(error)

    @app.middleware
    async def keep(call, call_next):
        told.append(call)
        await call_next()

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages): ...

    async with app.started():
        await publish(queue, b"no json")
        await logs.wait("rejected a message whose body is no JSON")
    assert told == []


async def test_a_plain_handler_settles_messages_from_its_thread(
    app, declare, publish, admin, limit
):
    dead = await declare()
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    source = await declare(**arguments)
    seen = []

    @app.route([source], type=RouteTypes.AMQP_RABBITMQ)
    def handler(messages):
        for message in messages:
            seen.append((message.body, threading.current_thread() is threading.main_thread()))
            if message.body % 2:
                message.reject(requeue=False)

    arrived = asyncio.Queue()
    await (await admin.get_queue(dead)).consume(arrived.put, no_ack=True)
    async with app.started(), asyncio.timeout(limit):
        await publish(source, *(b"%d" % number for number in range(20)))
        bodies = sorted([(await arrived.get()).body for _ in range(10)], key=int)
    assert bodies == [b"%d" % number for number in range(1, 20, 2)]
    assert sorted(seen) == [(number, False) for number in range(20)]


async def test_a_thread_that_outlives_its_time_limit_gives_its_messages_back(
    app, queue, publish, depth, logs, limit
):
    release, again = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    told = []

    @app.on_error
    async def report(error, call):
        told.append(type(error))

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options={Options.TIMEOUT: 1})
    def handler(messages):
        [message] = messages
        if message.redelivered:
            loop.call_soon_threadsafe(again.set)
        else:
            release.wait(limit)
            # Nobody asks any more.
            message.accept()

    async with app.started(), asyncio.timeout(limit):
        await publish(queue, b"1")
        await again.wait()
        release.set()
    assert told == [HandlerTimeout]
    assert logs.matching("does not return: its thread is abandoned")
    assert await depth(queue) == 0


async def test_a_drain_waits_for_a_plain_handler(connection, queue, publish, depth, limit):
    app = App(connections=[connection])
    entered, release = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
    def handler(messages):
        loop.call_soon_threadsafe(entered.set)
        assert release.wait(limit)

    async with asyncio.timeout(limit):
        async with app.started():
            await publish(queue, b"1")
            await entered.wait()
            loop.call_later(0.05, release.set)
    assert await depth(queue) == 0
