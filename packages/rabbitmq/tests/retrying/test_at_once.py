"""Attempts at once, in place, before the first delay."""

import asyncio
import time
import uuid
from itertools import chain, pairwise

import pytest

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.rabbitmq import AMQPConnection, Queue, Retry, Split
from asyncworker.rabbitmq.retrying.waiting_queues import waiting_name
from tests.faults.proxy import Proxy

LIMIT = 60.0

pytestmark = pytest.mark.usefixtures("path")


@pytest.fixture
async def name(admin):
    """The name of a queue that a route declares; it and what belongs to it is deleted."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    for each in (name, f"{name}.dead"):
        await admin.queue_delete(each)
    for milliseconds in (100, 200, 400):
        await admin.queue_delete(waiting_name(name, milliseconds, is_quorum=False))


@pytest.fixture
def consume(app, inbox, name):
    """Add a route whose handler raises until an attempt, and notes when each began."""

    def consume(policy, until=99, app=app, **options):
        times = []

        @app.route(
            [Queue(name, dead_letter=True)],
            type=RouteTypes.AMQP_RABBITMQ,
            options={Events.ON_EXCEPTION: policy, **options},
        )
        async def handle(messages):
            times.append(time.monotonic())
            await inbox(messages)
            if any(message.attempt < until for message in messages):
                raise OSError("on purpose")

        return times

    return consume


@pytest.fixture
def letter(admin, name):
    """Takes what comes into the dead-letter queue, from outside."""

    async def letter():
        async with asyncio.timeout(LIMIT):
            queue = await admin.get_queue(f"{name}.dead")
            async with queue.iterator(no_ack=True) as messages:
                return await anext(messages)

    return letter


async def attempts(inbox, count):
    return [one.attempt for _ in range(count) for one in await inbox.batch()]


async def test_they_come_before_the_first_delay_and_count(
    app, consume, inbox, name, publish, letter, logs
):
    times = consume(Retry(attempts=5, now=2, delay=0.1, factor=2))
    async with app.started():
        await publish(name, b"1", headers={"tenant": "acme"})
        dead = await letter()
        seen = [(await inbox.batch())[0] for _ in range(5)]
    assert [one.attempt for one in seen] == [1, 2, 3, 4, 5]
    assert all(one.headers["tenant"] == "acme" for one in seen)
    gaps = [after - before for before, after in pairwise(times)]
    # The delays begin with the first one: those at once do not lengthen them.
    assert gaps[2] >= 0.1
    assert gaps[3] >= 0.2
    assert dead.headers["x-asyncworker-attempts"] == 5
    assert dead.headers["x-asyncworker-first-failed-at"] < dead.headers["x-asyncworker-failed-at"]
    assert len(logs.matching("gave up on 1 message after 5 attempts: reject")) == 1


async def test_they_go_nowhere_near_the_broker(app, consume, inbox, name, publish, depth, admin):
    consume(Retry(attempts=3, now=2), until=3)
    async with app.started():
        await publish(name, b"1")
        assert await attempts(inbox, 3) == [1, 2, 3]
    assert (await depth(name), await depth(f"{name}.dead")) == (0, 0)


async def test_they_are_all_where_no_delay_is_left(app, consume, inbox, name, publish, letter):
    consume(Retry(attempts=3, now=2, delay=60))
    async with app.started():
        await publish(name, b"1")
        dead = await letter()
    assert await attempts(inbox, 3) == [1, 2, 3]
    assert dead.headers["x-asyncworker-attempts"] == 3


async def test_not_for_a_whole_batch_and_not_again_after_a_delay(
    app, consume, inbox, name, publish
):
    bulk = {Options.BULK_SIZE: 2, Options.BULK_FLUSH_INTERVAL: 0.05}
    times = consume(Retry(attempts=4, now=2, delay=0.1, factor=1), until=3, **bulk)
    async with app.started():
        await publish(name, b"1", b"2")
        batches = [[one.attempt for one in await inbox.batch()]]
        while batches[-1] != [3, 3] and batches[-2:] != [[3], [3]]:
            batches.append([one.attempt for one in await inbox.batch()])
    assert batches[0] == [1, 1]
    assert sorted(chain(*batches)) == [1, 1, 2, 2, 3, 3]
    assert times[1] - times[0] >= 0.1
    assert times[-1] - times[0] >= 0.2


@pytest.mark.parametrize("alone_by", ["flush", "split"])
async def test_for_one_that_is_alone_in_a_route_of_batches(
    app, inbox, name, publish, letter, alone_by
):
    retry = Retry(attempts=3, now=2)

    @app.route(
        [Queue(name, dead_letter=True)],
        type=RouteTypes.AMQP_RABBITMQ,
        options={
            Options.BULK_SIZE: 2,
            Options.BULK_FLUSH_INTERVAL: 0.05,
            Events.ON_EXCEPTION: retry if alone_by == "flush" else Split(then=retry),
        },
    )
    async def handle(messages):
        await inbox(messages)
        if any(message.body == 1 for message in messages):
            raise OSError("on purpose")

    async with app.started():
        await publish(name, *([b"1"] if alone_by == "flush" else [b"0", b"1"]))
        dead = await letter()
    alone = []
    while not inbox.batches.empty():
        messages = await inbox.batch()
        alone += [one.attempt for one in messages if len(messages) == 1 and one.body == 1]
    assert alone == [1, 2, 3]
    assert dead.headers["x-asyncworker-attempts"] == 3


async def test_only_for_the_exceptions_worth_it(app, consume, name, publish, letter):
    consume(Retry(now=2, on=ValueError))
    async with app.started():
        await publish(name, b"1")
        dead = await letter()
    assert dead.headers["x-asyncworker-attempts"] == 1


@pytest.mark.parametrize("says", ["accept", "reject", "retry"])
async def test_what_a_message_says_itself_wins(app, inbox, name, publish, depth, says):
    @app.route(
        [Queue(name, dead_letter=True)],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Events.ON_EXCEPTION: Retry(attempts=3, now=2, delay=0.1)},
    )
    async def handle(messages):
        await inbox(messages)
        [message] = messages
        if message.attempt == 1:
            {
                "accept": message.accept,
                "reject": lambda: message.reject(requeue=False),
                "retry": message.retry,
            }[says]()
            raise OSError("on purpose")

    async with app.started():
        await publish(name, b"1")
        count = 2 if says == "retry" else 1
        assert await attempts(inbox, count) == [1, 2][:count]
    assert inbox.batches.empty()
    assert (await depth(name), await depth(f"{name}.dead")) == (0, says == "reject")


async def test_poison_is_not_tried_at_once(app, inbox, name, publish, letter, logs):
    @app.route(
        [Queue(name, dead_letter=True)],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Events.ON_INVALID: Retry(attempts=2, now=1, delay=0.1)},
    )
    async def handle(messages): ...

    async with app.started():
        await publish(name, b"{")
        dead = await letter()
    assert dead.headers["x-asyncworker-attempts"] == 2
    assert dead.headers["x-asyncworker-error"].startswith("Invalid: body is no JSON")
    assert "x-asyncworker-at-once" not in dead.headers


async def test_a_stop_gives_back_what_would_be_tried_at_once(
    app, inbox, name, publish, depth, admin
):
    async def is_stopped():
        found = await admin.declare_queue(name, passive=True)
        return not found.declaration_result.consumer_count

    @app.route(
        [Queue(name)],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Events.ON_EXCEPTION: Retry(now=2)},
    )
    async def handle(messages):
        await inbox(messages)
        async with asyncio.timeout(LIMIT):
            while not await is_stopped():
                pass
        raise OSError("on purpose")

    async with app.started():
        await publish(name, b"1")
        await inbox.batch()
    assert inbox.batches.empty()
    assert await depth(name) == 1


async def test_headers_that_cannot_be_read_leave_it_to_what_follows(
    app, inbox, name, publish, letter, monkeypatch
):
    def refuse(*_, **__):
        raise ValueError("a field table holds a value of the unknown type 0")

    monkeypatch.setattr("asyncworker.rabbitmq.settling.again.attempt_in_place", refuse)

    @app.route(
        [Queue(name, dead_letter=True)],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Events.ON_EXCEPTION: Retry(attempts=2, now=1, delay=0.1)},
    )
    async def handle(messages):
        await inbox(messages)
        raise OSError("on purpose")

    async with app.started():
        await publish(name, b"1")
        await letter()
    assert await attempts(inbox, 2) == [1, 2]


async def test_on_a_lost_channel_nothing_more_is_tried(private_node, inbox, name, publish):
    async with Proxy.to(private_node.port) as proxy:
        address = private_node.url.replace(str(private_node.port), str(proxy.port))
        app = App(connections=[AMQPConnection(url=address)])

        @app.route(
            [Queue(name)],
            type=RouteTypes.AMQP_RABBITMQ,
            options={Events.ON_EXCEPTION: Retry(attempts=2, now=1, then=Actions.ACK)},
        )
        async def handle(messages):
            await inbox(messages)
            [message] = messages
            if not message.redelivered:
                proxy.cut()
                await asyncio.wait([asyncio.ensure_future(message.channel.lost())])
            raise OSError("on purpose")

        async with app.started():
            await publish(name, b"1")
            seen = [(await inbox.batch())[0] for _ in range(3)]
    assert [(one.attempt, one.redelivered) for one in seen] == [(1, False), (1, True), (2, True)]
