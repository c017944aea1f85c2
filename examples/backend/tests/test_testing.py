"""Apps under TestApp, where no Redis is."""

import asyncio

import pytest

from asyncworker import Actions, App, Breaker, Options
from asyncworker.errors import ConfigurationError
from asyncworker.testing import TestApp
from asyncworker_redis import RedisConnection, RedisMessage


@pytest.fixture
def app():
    return App(connections=[RedisConnection("redis://nowhere.invalid")])


async def test_feeds_routes_and_tells_outcomes(app):
    seen = []

    @app.route(["orders"], options={Options.BULK_SIZE: 10})
    async def handle(messages: list[RedisMessage]):
        seen.extend(one.body for one in messages)
        messages[-1].reject(requeue=False)

    async with TestApp(app) as worker:
        await worker.publish({"number": 1}, "orders")
        await worker.publish({"number": 2}, "orders")
        await worker.idle()
        assert [one.outcome for one in worker.messages] == [Actions.ACK, Actions.REJECT]
    assert seen == [{"number": 1}, {"number": 2}]


async def test_each_group_is_fed(app):
    seen = []

    def declare(name, group):
        @app.route(["orders"], group=group)
        async def handle(message: RedisMessage):
            seen.append(name)

    declare("billing", "billing")
    declare("stock", "stock")
    async with TestApp(app) as worker:
        await worker.publish(b"1", "orders")
        await worker.idle()
    assert sorted(seen) == ["billing", "stock"]


async def test_what_is_put_back_comes_again_in_time(app):
    seen = []

    @app.route(["orders"])
    async def handle(message: RedisMessage):
        seen.append(message.redelivered)
        if len(seen) == 1:
            raise ValueError("not yet")

    async with TestApp(app) as worker:
        await worker.publish(1, "orders")
        await worker.idle()
        assert [str(error) for error in worker.errors] == ["not yet"]
        await worker.advance(1)
        await worker.idle()
    assert seen == [False, True]


async def test_what_was_under_way_comes_again_after_a_kill(app):
    seen, begun, release = [], asyncio.Event(), asyncio.Event()

    @app.route(["orders"])
    async def handle(message: RedisMessage):
        seen.append(message.redelivered)
        begun.set()
        await release.wait()

    async with TestApp(app) as worker:
        await worker.publish(1, "orders")
        await begun.wait()
        await worker.kill()
        release.set()
        await worker.idle()
    assert seen == [False, True]


async def test_each_message_may_come_twice(app):
    seen = []

    @app.route(["orders"])
    async def handle(message: RedisMessage):
        seen.append(message.body)

    async with TestApp(app, twice=True) as worker:
        await worker.publish(1, "orders")
        await worker.idle()
    assert seen == [1, 1]


async def test_a_breaker_has_the_route_wait(app):
    seen, is_down = [], True

    @app.route(["orders"], options={Options.BREAKER: Breaker(failures=1, of=1, pause=5)})
    async def handle(message: RedisMessage):
        seen.append(message.body)
        if is_down:
            raise ConnectionError("down")

    async with TestApp(app) as worker:
        for number in (1, 2, 3):
            await worker.publish(number, "orders")
        await worker.idle()
        assert "paused for 5 s" in str(app.problems)
        tried = len(seen)
        is_down = False
        await worker.advance(5)
        await worker.idle()
        assert sorted(seen[tried:]) == [1, 2, 3]
        assert app.problems == []
        assert len(worker.errors) == tried


async def test_a_stream_that_nobody_reads_is_a_mistake(app):
    @app.route(["orders"])
    async def handle(message: RedisMessage):
        """Take one."""

    async with TestApp(app) as worker:
        with pytest.raises(ConfigurationError, match="the app reads no 'order': did you mean ord"):
            await worker.publish(1, "order")
