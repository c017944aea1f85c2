"""What leaves with messages: what handlers return, and what they put by hand."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aio_pika import ExchangeType

from asyncworker import Actions, App, Blueprint, Events, Options
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import (
    AMQPConnection,
    Message,
    NotSerializable,
    PublishRejected,
    Queue,
    Retry,
    Target,
    Unroutable,
)
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.usefixtures("path")

BULK = {Options.BULK_SIZE: 3, Options.BULK_FLUSH_INTERVAL: 0.05}
REJECT = {Events.ON_EXCEPTION: Actions.REJECT}


@pytest.fixture
async def target(declare):
    return await declare()


@pytest.fixture
def arriving(admin, limit):
    """Return what gives the messages that arrive in a queue, one by one."""

    async def arriving(queue):
        arrived = asyncio.Queue()
        await (await admin.get_queue(queue)).consume(arrived.put, no_ack=True)

        async def next_one():
            async with asyncio.timeout(limit):
                return await arrived.get()

        return next_one

    return arriving


@pytest.fixture
def settled(depth, limit):
    """Run an app until a queue, and what its handlers are at, is settled."""

    @asynccontextmanager
    async def settled(app):
        async with asyncio.timeout(limit), app.started():
            yield

    return settled


async def bodies(get_next, count):
    return sorted([(await get_next()).body for _ in range(count)])


@pytest.mark.parametrize("kind", ["name", "queue", "target", "exchange"])
async def test_what_the_handler_returns_is_published_to_the_target(
    app, admin, queue, target, publish, arriving, depth, kind
):
    exchange = await admin.declare_exchange(f"{target}.x", ExchangeType.TOPIC, durable=True)
    await (await admin.get_queue(target)).bind(exchange, "paid.*")
    publish_to = {
        "name": target,
        "queue": Queue(target),
        "target": Target(target),
        "exchange": Target("paid.now", exchange.name),
    }[kind]

    @app.route([queue], publish_to=publish_to)
    async def bill(order: int):
        return {"order": order}

    arrived = await arriving(target)
    async with app.started():
        await publish(queue, b"7")
        message = await arrived()
    assert message.body == b'{"order":7}'
    assert (message.content_type, message.delivery_mode) == ("application/json", 2)
    assert message.exchange == ("" if kind != "exchange" else exchange.name)
    assert await depth(queue) == 0
    await exchange.delete()


async def test_a_queue_given_as_such_is_declared(app, admin, queue, publish, limit):
    name = f"{queue}.declared"

    @app.route([queue], publish_to=Queue(name, dead_letter=True))
    async def bill(order: int):
        return order

    async with app.started(), asyncio.timeout(limit):
        await publish(queue, b"1")
        # Both are there by now, whatever has arrived.
        for one in (name, f"{name}.dead"):
            await admin.declare_queue(one, passive=True)
            await admin.queue_delete(one)


async def test_a_bulk_returns_a_list_with_messages_and_none_among_it(
    app, declare, queue, target, publish, arriving, depth
):
    other = await declare()

    @app.route([queue], publish_to=target, options={**BULK, Options.BULK_SIZE: 4})
    async def bill(messages):
        taken = [message.body for message in messages]
        # Users may do with their list what they like.
        messages.clear()
        by_body = {
            1: "one",
            2: None,
            3: Message("three", headers={"kind": "late"}),
            4: Message(b"four", other),
        }
        return [by_body[body] for body in taken]

    arrived, elsewhere = await arriving(target), await arriving(other)
    async with app.started():
        await publish(queue, b"1", b"2", b"3", b"4")
        found = {message.body: message.headers for message in [await arrived(), await arrived()]}
        assert (await elsewhere()).body == b"four"
    assert found == {b'"one"': {}, b'"three"': {"kind": "late"}}
    assert await depth(queue) == 0
    assert await depth(target) == 0


async def test_a_handler_that_takes_the_list_of_one_may_return_the_one(
    app, queue, target, publish, arriving
):
    answers = iter([{"a": 1}, ["b"], None, [["c"]], "d"])

    @app.route([queue], publish_to=target, options={Options.MAX_CONCURRENCY: 1})
    async def bill(messages):
        return next(answers)

    arrived = await arriving(target)
    async with app.started():
        await publish(queue, *[b"1"] * 5)
        assert [(await arrived()).body for _ in range(4)] == [b'{"a":1}', b'"b"', b'["c"]', b'"d"']


async def test_a_handler_of_one_body_may_return_a_list_as_the_value(
    app, queue, target, publish, arriving
):
    @app.route([queue], publish_to=target)
    async def bill(order: int):
        return [order, order]

    arrived = await arriving(target)
    async with app.started():
        await publish(queue, b"1")
        assert (await arrived()).body == b"[1,1]"


async def test_plain_functions_middlewares_and_blueprints_publish_too(
    app, queue, target, publish, arriving
):
    part = Blueprint()

    @part.middleware
    async def doubled(call, call_next):
        return 2 * await call_next()

    @part.route([queue], publish_to=target)
    def bill(order: int):
        return order + 1

    app.include(part)
    arrived = await arriving(target)
    async with app.started():
        await publish(queue, b"1")
        assert (await arrived()).body == b"4"


async def test_nothing_is_said_of_what_a_handler_returns(
    app, queue, target, publish, arriving, logs
):
    @app.route([queue], publish_to=target)
    async def bill(order: int):
        return order

    arrived = await arriving(target)
    async with app.started():
        await publish(queue, b"1")
        await arrived()
    assert logs.errors == []


async def test_what_is_put_is_held_until_the_handler_has_succeeded(
    app, queue, target, publish, arriving, depth
):
    given, release = asyncio.Event(), asyncio.Event()

    @app.route([queue])
    async def handler(messages):
        for message in messages:
            message.put({"first": message.body}, target, headers={"a": "b"})
            message.put("second", exchange="", routing_key=target)
        given.set()
        await release.wait()

    arrived = await arriving(target)
    async with app.started():
        await publish(queue, b"1")
        await given.wait()
        assert await depth(target) == 0
        release.set()
        first, second = await arrived(), await arrived()
    assert (first.body, first.headers) == (b'{"first":1}', {"a": "b"})
    assert second.body == b'"second"'
    assert await depth(queue) == 0


@pytest.mark.parametrize("end", ["raised", "rejected", "retried", "put back"])
async def test_what_is_put_is_dropped_with_a_message_that_is_not_acknowledged(
    app, declare, queue, target, publish, arriving, depth, end
):
    tries = []

    @app.route([queue], options={Events.ON_EXCEPTION: Retry(delay=0.001, attempts=2)})
    async def handler(messages):
        [message] = messages
        message.put(len(tries), target)
        tries.append(message.attempt)
        if len(tries) > 1:
            return
        if end == "raised":
            raise ValueError
        if end == "retried":
            message.retry()
        else:
            message.reject(requeue=end == "put back")

    arrived = await arriving(target)
    async with app.started():
        await publish(queue, b"1")
        if end == "rejected":
            await publish(queue, b"1")
        assert (await arrived()).body == b"1"
    assert await depth(target) == 0
    assert await depth(queue) == 0


async def test_what_an_accepted_message_holds_leaves_though_the_batch_failed(
    app, queue, target, publish, arriving, depth
):
    @app.route([queue], options={**BULK, **REJECT})
    async def handler(messages):
        for message in messages:
            message.put(message.body, target)
            if message.body == 1:
                message.accept()
        raise ValueError

    arrived = await arriving(target)
    async with app.started():
        await publish(queue, b"1", b"2", b"3")
        assert (await arrived()).body == b"1"
    assert await depth(target) == 0
    assert await depth(queue) == 0


async def test_a_message_put_after_its_own_was_settled_is_refused(
    app, queue, target, publish, arriving
):
    kept = []

    @app.route([queue])
    async def handler(messages):
        messages[0].put(1, target)
        kept.extend(messages)

    arrived = await arriving(target)
    async with app.started():
        await publish(queue, b"1")
        await arrived()
        with pytest.raises(ConfigurationError, match="too late"):
            kept[0].put(2, target)


async def test_a_message_that_was_never_held_is_refused_late_too(
    app, queue, target, publish, depth, limit
):
    kept = asyncio.Queue()

    @app.route([queue], options={Options.MAX_CONCURRENCY: 1})
    async def handler(messages):
        await kept.put(messages[0])

    async with app.started(), asyncio.timeout(limit):
        await publish(queue, b"1", b"2")
        first, _ = await kept.get(), await kept.get()
        with pytest.raises(ConfigurationError, match="too late"):
            first.put(2, target)


async def test_what_cannot_be_written_fails_where_it_is_put(app, queue, target, publish, limit):
    raised = asyncio.Queue()

    @app.route([queue], options=REJECT)
    async def handler(messages):
        for arguments in [(object(), target), (1,), (1, "a" * 256)]:
            with pytest.raises((NotSerializable, ConfigurationError)) as error:
                messages[0].put(*arguments)
            raised.put_nowait(error.value)

    async with app.started(), asyncio.timeout(limit):
        await publish(queue, b"1")
        assert isinstance(await raised.get(), NotSerializable)
        assert "routing_key" in str(await raised.get())
        assert "longer than 255" in str(await raised.get())


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (object(), NotSerializable, "object"),
        (..., NotSerializable, "a RabbitMQMessage was returned: return its body, or a Message"),
        (Message(1, "nobody-has-this"), Unroutable, "NO_ROUTE"),
        (Message(1, "a", "nobody-has-this"), Unroutable, "no exchange 'nobody-has-this'"),
        (Message(1, "a" * 256), ConfigurationError, "longer than 255"),
    ],
)
async def test_what_cannot_be_published_is_raised_by_its_handler_and_the_rest_leaves(
    app, declare, target, publish, arriving, depth, logs, value, error, text
):
    dead = await declare()
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    queue, told = await declare(**arguments), []

    @app.on_error
    async def report(raised, call):
        told.append((raised, [message.body for message in call.items]))

    options = {**BULK, Events.ON_EXCEPTION: {error: Actions.REJECT}}

    @app.route([queue], publish_to=target, options=options)
    async def bill(messages):
        for message in messages:
            message.accept()
        second = {...: messages[1]}.get(value, value)
        return [second if message.body == 2 else message.body for message in messages]

    arrived, died = await arriving(target), await arriving(dead)
    async with app.started():
        await publish(queue, b"1", b"2", b"3")
        assert await bodies(arrived, 2) == [b"1", b"3"]
        assert (await died()).body == b"2"
    assert await depth(queue) == 0
    [record] = logs.errors
    assert f"bill raised {error.__name__}" in record.getMessage()
    assert text in record.getMessage()
    assert record.messages == 1
    [(raised, items)] = told
    assert isinstance(raised, error)
    assert items == [2]


async def test_a_target_that_is_missing_is_told_in_one_line(app, queue, publish, logs, limit):
    options = {Events.ON_EXCEPTION: Retry(delay=0.001, attempts=2)}

    @app.route([queue], publish_to=Target("", "nobody-has-this"), options=options)
    async def bill(order: int):
        return order

    async with app.started(), asyncio.timeout(limit):
        await publish(queue, b"1")
        record = await logs.wait("gave up on 1 message after 2 attempts")
    lines = [record.getMessage() for record in logs.matching("raised")]
    assert len(lines) == 2
    assert "exchange 'nobody-has-this', routing key ''" in lines[0]
    assert record in logs.errors


async def test_a_full_queue_keeps_the_message_until_there_is_room(
    app, admin, declare, queue, publish, depth, logs
):
    full = await declare(**{"x-max-length": 1, "x-overflow": "reject-publish"})
    await publish(full, b"0")
    options = {Events.ON_EXCEPTION: {PublishRejected: Retry(delay=0.01, factor=1, attempts=1000)}}

    @app.route([queue], publish_to=full, options=options)
    async def bill(order: int):
        return order

    async with app.started():
        await publish(queue, b"1")
        await logs.wait("raised PublishRejected", 2)
        found = await admin.get_queue(full)
        assert (await found.get(no_ack=True)).body == b"0"
        while (message := await found.get(no_ack=True, fail=False)) is None:
            pass
        assert message.body == b"1"
    assert await depth(queue) == 0


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        ([1], "it returned a list of 1 for 3 messages: with publish_to= return a list of 3"),
        ([1] * 4, "a list of 4 for 3 messages"),
        (None, "it returned NoneType for 3 messages"),
        ({"a": 1}, "it returned dict for 3 messages"),
        ((1, 2, 3), "it returned tuple for 3 messages"),
    ],
)
async def test_a_wrong_list_is_raised_by_the_handler(
    app, queue, target, publish, depth, logs, returned, text
):
    told = asyncio.Queue()

    @app.on_error
    async def report(error, call):
        await told.put((error, len(call.items)))

    @app.route([queue], publish_to=target, options={**BULK, **REJECT})
    async def bill(messages):
        messages[0].put(1, target)
        return returned

    async with app.started():
        await publish(queue, b"1", b"2", b"3")
        record = await logs.wait("raised ConfigurationError")
        error, count = await told.get()
    assert text in record.getMessage()
    assert text in str(error)
    assert count == 3
    assert logs.errors == [record]
    assert await depth(queue) == 0
    assert await depth(target) == 0


async def test_what_is_held_at_the_end_leaves_before_it(app, queue, target, publish, depth):
    release, given = asyncio.Event(), asyncio.Semaphore(0)

    @app.route([queue], publish_to=target)
    async def bill(order: int):
        given.release()
        await release.wait()
        return order

    async with app.started():
        await publish(queue, *[b"1"] * 20)
        for _ in range(20):
            await given.acquire()
        asyncio.get_running_loop().call_soon(release.set)
    assert await depth(queue) == 0
    assert await depth(target) == 20


async def test_nothing_leaves_with_a_message_whose_channel_was_lost(
    private_node, declare, publish, arriving, logs
):
    queue, target = await declare(), await declare()
    release, tries = asyncio.Event(), []
    async with Proxy.to(private_node.port) as proxy:
        url = f"amqp://guest:guest@127.0.0.1:{proxy.port}/"
        app = App(connections=[AMQPConnection(url=url)])

        @app.route([queue], publish_to=target)
        async def bill(order: int):
            tries.append(order)
            if len(tries) == 1:
                proxy.cut()
                await logs.wait("not consumed")
                await release.wait()
            return len(tries)

        arrived = await arriving(target)
        async with app.started():
            await publish(queue, b"1")
            await logs.wait("being handled will wait")
            release.set()
            # The first one was late: what it returned is not published.
            await logs.wait("ended after its channel was lost")
            assert (await arrived()).body == b"2"


async def test_a_connection_lost_in_the_midst_loses_nothing(
    private_node, declare, publish, arriving
):
    queue, target = await declare(), await declare()
    async with Proxy.to(private_node.port) as proxy:
        url = f"amqp://guest:guest@127.0.0.1:{proxy.port}/"
        app = App(connections=[AMQPConnection(url=url, prefetch=50)])
        options = {Options.BULK_SIZE: 10, Options.BULK_FLUSH_INTERVAL: 0.05}

        @app.route([queue], publish_to=target, options=options)
        async def bill(messages):
            return [message.body for message in messages]

        arrived, seen = await arriving(target), []
        async with app.started():
            await publish(queue, *[str(number).encode() for number in range(500)])
            while len(set(seen)) < 500:
                seen.append((await arrived()).body)
                if len(seen) == 100:
                    proxy.cut()
    assert len(set(seen)) == 500
