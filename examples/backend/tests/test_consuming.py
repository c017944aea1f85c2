"""Routes of Redis against a real one."""

import asyncio
import json
from dataclasses import dataclass
from typing import Annotated

import pytest
from aiohttp import ClientSession

from asyncworker import Actions, App, Events, Header, Options, Rate, RouteTypes
from asyncworker_redis import RedisConnection, RedisMessage
from scripts.rabbitmq.probe import free_ports


@dataclass
class Order:
    number: int


@pytest.fixture
def app(connection):
    return App(connections=[connection])


@pytest.fixture
def put(redis):
    """Append an order."""

    async def put(number, stream="orders", **fields):
        return await redis.xadd(stream, {"body": json.dumps({"number": number}), **fields})

    return put


async def left(redis, group="asyncworker", stream="orders"):
    """Return how many entries are not settled."""
    groups = await redis.xinfo_groups(stream)
    [found] = [one for one in groups if one["name"] == group]
    return found["pending"] + found["lag"]


async def test_hands_over_batches_and_acknowledges_them(app, redis, put, inbox, until):
    for number in range(10):
        await put(number)
    app.route(["orders"], type=RouteTypes.REDIS, options={Options.BULK_SIZE: 5})(inbox)
    async with app.started():
        first, second = await inbox.batch(), await inbox.batch()
        assert [one.body["number"] for one in first + second] == list(range(10))
        assert isinstance(first[0], RedisMessage)
        assert (first[0].name, first[0].redelivered) == ("orders", False)

        async def is_settled():
            return not await left(redis)

        await until(is_settled)


async def test_a_handler_gets_what_it_asks_for(app, put, until):
    seen = []

    @app.route(["orders"], options={Options.BULK_SIZE: 2})
    async def handle(orders: list[Order]):
        seen.append(orders)

    @app.route(["single"])
    async def handle_one(order: Order, tenant: Annotated[str, Header()]):
        seen.append((order, tenant))

    await put(1)
    await put(2)
    async with app.started():
        await until(lambda: seen)
        await put(3, "single", tenant="acme")
        await until(lambda: len(seen) == 2)
    assert seen == [[Order(1), Order(2)], (Order(3), "acme")]


async def test_consumers_of_a_group_share_and_groups_do_not(app, put, until):
    seen = {"one": [], "two": [], "other": []}

    def declare(name, group):
        @app.route(["orders"], group=group)
        async def handle(message: RedisMessage):
            seen[name].append(message.body["number"])

    declare("one", "billing")
    declare("two", "billing")
    declare("other", "stock")
    async with app.started():
        for number in range(50):
            await put(number)
        await until(lambda: len(seen["other"]) == len(seen["one"] + seen["two"]) == 50)
    assert sorted(seen["one"] + seen["two"]) == seen["other"] == list(range(50))


async def test_what_is_put_back_comes_again(app, put, until):
    seen = []

    @app.route(["orders"])
    async def handle(message: RedisMessage):
        seen.append(message.redelivered)
        if len(seen) == 1:
            raise ValueError("not yet")

    await put(1)
    async with app.started():
        await until(lambda: len(seen) == 2)
    assert seen == [False, True]


async def test_a_message_may_speak_for_itself(app, redis, put, until):
    handled = []

    @app.route(["orders"], options={Events.ON_SUCCESS: Actions.REJECT}, dead="dead")
    async def handle(message: RedisMessage):
        handled.append(message.body["number"])
        if message.body["number"] == 1:
            message.accept()

    await put(1)
    second = await put(2, tenant="acme")
    async with app.started():
        await until(lambda: len(handled) == 2)
    assert await left(redis) == 0
    [(_, dead)] = await redis.xrange("dead")
    assert dead == {"body": '{"number": 2}', "tenant": "acme", "stream": "orders", "id": second}


async def test_what_does_not_fit_is_dead_and_reaches_no_handler(app, redis, put, until, logs):
    @app.route(["orders"], dead="dead")
    async def handle(order: Order):
        raise AssertionError(order)

    await redis.xadd("orders", {"body": '{"number": "x"}'})
    await redis.xadd("orders", {"other": "field"})
    async with app.started():
        await until(lambda: redis.xlen("dead"))
        await logs.wait("a message whose body does not fit: number: input should be a valid int")
        await logs.wait("a message whose body is no JSON")
    assert await redis.xlen("dead") == 2
    assert await left(redis) == 0


async def test_a_slow_handler_keeps_its_message(app, put, redis, until):
    """Longer than `claim_after`, in the midst of others that claim."""
    seen, release = [], asyncio.Event()

    @app.route(["orders"], options={Options.MAX_CONCURRENCY: 1})
    async def slow(message: RedisMessage):
        seen.append(message.id)
        await release.wait()

    @app.route(["orders"])
    async def other(message: RedisMessage):
        seen.append(message.id)
        await release.wait()

    await put(1)
    async with app.started():
        await until(lambda: seen)
        clock = asyncio.get_running_loop().time
        end = clock() + 2

        async def is_claimed_in_vain():
            """Others have looked for what they may claim for three times as long as it takes."""
            [pending] = await redis.xpending_range("orders", "asyncworker", "-", "+", 9)
            assert pending["times_delivered"] == 1
            return clock() > end

        await until(is_claimed_in_vain)
        release.set()
    assert len(seen) == 1


async def test_a_redis_that_is_gone_is_a_problem_until_it_is_back(
    app, node, redis, put, inbox, until
):
    app.route(["orders"])(inbox)
    async with app.started():
        await put(1)
        await inbox.batch()
        assert app.problems == []
        node.kill()
        await until(lambda: app.problems)
        [problem] = app.problems
        assert problem.startswith("handler Inbox, 'orders': ConnectionError: ")
        node.start()
        await redis.connection_pool.disconnect()
        await until(lambda: not app.problems)
        await put(2)
        [message] = await inbox.batch()
        assert message.body == {"number": 2}


async def test_outcomes_of_a_lost_connection_are_told_the_next_one(app, node, redis, put, until):
    seen, release = [], asyncio.Event()

    @app.route(["orders"])
    async def handle(message: RedisMessage):
        seen.append(message.id)
        await release.wait()

    await put(1)
    async with app.started():
        await until(lambda: seen)
        node.kill()
        await until(lambda: app.problems)
        release.set()
        node.start()
        await redis.connection_pool.disconnect()

        async def is_settled():
            return not await left(redis)

        await until(is_settled)
    assert len(seen) == 1


async def test_a_group_that_is_removed_is_made_again(app, redis, put, inbox, until):
    app.route(["orders"])(inbox)
    async with app.started():
        await put(1)
        await inbox.batch()
        await redis.delete("orders")
        await put(2)
        [message] = await inbox.batch()
        assert message.body == {"number": 2}


async def test_a_paused_route_takes_nothing(app, redis, put, inbox, until):
    app.route(["orders"])(inbox)
    app.pause(inbox)
    async with app.started():
        await until(lambda: "paused until app.resume()" in str(app.problems))
        await until(lambda: redis.exists("orders"))
        await put(1)
        assert await left(redis) == 1
        app.resume(inbox)
        await inbox.batch()
        await until(lambda: not app.problems)


async def test_keeps_a_rate_and_takes_no_more_than_it_may_hold(node, redis, put, inbox, until):
    app = App(connections=[RedisConnection(node.url, prefetch=3)])
    app.route(["orders"], options={Options.RATE: Rate(1, per=60, burst=1)})(inbox)
    for number in range(9):
        await put(number)
    async with app.started():
        await inbox.batch()

        async def is_full():
            return (await redis.xpending("orders", "asyncworker"))["pending"] == 3

        await until(is_full)
    # What no handler was given is there for others at once.
    assert await left(redis) == 8


async def test_metrics_tell_of_it(connection, put, inbox, until, monkeypatch):
    [port] = free_ports(1)
    monkeypatch.setenv("ASYNCWORKER_MONITOR_PORT", str(port))
    app = App(connections=[connection])
    app.route(["orders"], options={Options.BULK_SIZE: 3})(inbox)
    for number in range(3):
        await put(number)
    async with app.started(), ClientSession() as client:
        await inbox.batch()

        async def metrics():
            async with client.get(f"http://127.0.0.1:{port}/metrics") as answer:
                return await answer.text()

        labels = 'queue="orders",route="Inbox"'
        counted = f'asyncworker_messages_total{{outcome="ack",{labels}}} 3.0'

        async def is_counted():
            return counted in await metrics()

        await until(is_counted)
        assert f"asyncworker_consuming{{{labels}}} 1.0" in await metrics()
        assert 'asyncworker_batch_size_bucket{le="5.0",route="Inbox"} 1.0' in await metrics()
