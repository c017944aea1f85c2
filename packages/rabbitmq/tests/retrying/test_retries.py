"""Messages that are handled again later: the broker keeps them, nothing is lost."""

import asyncio
import gc
import json
import time
import uuid
from datetime import UTC, datetime

import aio_pika
import pytest

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.cli.listing import rows_of
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import AMQPConnection, Queue, Retry
from asyncworker.rabbitmq.connecting.link import Link
from asyncworker.rabbitmq.errors import NotSerializable
from asyncworker.rabbitmq.publishing.publisher import Publisher
from asyncworker.rabbitmq.retrying.waiting_queues import waiting_name
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.usefixtures("path")

NO_POLICY = "must be one of Actions, a Retry, a Split, a Pause, or a dict from exceptions to these"
SOON = {"delay": 0.1, "factor": 1}


@pytest.fixture
def amqp_url(private_node):
    """A broker whose connections may be cut, and which may be paused."""
    return private_node.url


@pytest.fixture
async def failing(app, queue, admin):
    """Add a route whose handler raises what `raises` returns for a message, if anything."""
    delays = set()

    def failing(raises, on_exception, inbox, *, source=None, app=app, **options):
        @app.route(
            [source or queue],
            type=RouteTypes.AMQP_RABBITMQ,
            options={Events.ON_EXCEPTION: on_exception, **options},
        )
        async def handler(messages):
            await inbox(messages)
            for message in messages:
                if (error := raises(message)) is not None:
                    raise error

        return delays

    yield failing
    for milliseconds in {100, 200, 400, *delays}:
        await admin.queue_delete(waiting_name(queue, milliseconds, is_quorum=False))


def until_attempt(last):
    return lambda message: TimeoutError("on purpose") if message.attempt < last else None


async def attempts(inbox, count):
    messages = [message for _ in range(count) for message in await inbox.batch()]
    return [message.attempt for message in messages]


async def test_tries_a_message_again_after_the_delay_and_counts(
    app, failing, inbox, queue, publish, depth, logs
):
    failing(until_attempt(3), Retry(delay=0.1, factor=2), inbox)
    async with app.started():
        started = time.monotonic()
        await publish(queue, b'{"n": 1}')
        assert await attempts(inbox, 3) == [1, 2, 3]
        assert time.monotonic() - started >= 0.3

    assert await depth(queue) == 0
    assert await depth(f"asyncworker.retry.{queue}.100") == 0
    assert not logs.matching("gave up")


async def test_gives_up_after_the_last_attempt_with_one_line(
    app, failing, inbox, declare, queue, publish, admin, logs
):
    dead = await declare()
    source = await declare(**{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
    failing(until_attempt(9), Retry(attempts=3, **SOON), inbox, source=source)
    app.route([dead], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await publish(source, b"1", message_id="m-1")
        assert await attempts(inbox, 3) == [1, 2, 3]
        (message,) = await inbox.batch()
        assert (message.queue, message.attempt, message.headers["x-death"][0]["reason"]) == (
            dead,
            3,
            "rejected",
        )
    (record,) = logs.matching("gave up on 1 message after 3 attempts: reject")
    assert (record.message_ids, record.queues) == (["m-1"], [source])
    await admin.queue_delete(waiting_name(source, 100, is_quorum=False))


@pytest.mark.parametrize(
    ("then", "left"), [(Actions.ACK, 0), (Actions.REJECT, 0), (Actions.REQUEUE, 1)]
)
async def test_does_what_it_is_told_then(app, failing, inbox, queue, publish, depth, then, left):
    failing(until_attempt(9), Retry(attempts=1, then=then), inbox)
    async with app.started():
        await publish(queue, b"1")
        assert await attempts(inbox, 1 + left) == [1] * (1 + left)
    assert await depth(queue) == left


@pytest.mark.parametrize("asks", [False, True], ids=["raises", "retry()"])
async def test_what_cannot_be_written_for_its_next_attempt_has_had_its_last(
    app, failing, inbox, queue, publish, depth, logs, monkeypatch, asks
):
    def raises(message):
        return message.retry(0.1) if asks else TimeoutError("on purpose")

    async def refuse(*_):
        raise NotSerializable("the headers are larger than a frame")

    monkeypatch.setattr(Publisher, "publish", refuse)
    failing(raises, Retry(attempts=3, then=Actions.ACK, **SOON), inbox)
    async with app.started():
        await publish(queue, b"1", message_id="m-1")
        assert await attempts(inbox, 1) == [1]
        record = await logs.wait("cannot be written for its next attempt: ack: NotSerializable")
    assert record.message_id == "m-1"
    assert inbox.batches.empty()
    assert await depth(queue) == 0


async def test_keeps_body_properties_and_where_a_message_came_from(
    app, failing, inbox, queue, admin
):
    exchange = await admin.declare_exchange(f"{queue}.events", "topic", auto_delete=True)
    await (await admin.get_queue(queue)).bind(exchange, "order.*")
    failing(until_attempt(3), Retry(**SOON), inbox)
    body = b'{"a":  1.50}'
    sent = {
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "priority": 3,
        "correlation_id": "c-1",
        "reply_to": "r-1",
        "message_id": "m-1",
        "timestamp": datetime(2024, 1, 2, tzinfo=UTC),
        "type": "order",
        "app_id": "shop",
        "delivery_mode": aio_pika.DeliveryMode.PERSISTENT,
    }
    headers = {
        "text": "é",
        "number": -5,
        "large": 2**40,
        "float": 0.5,
        "list": [1, "a"],
        "no": None,
    }
    message = aio_pika.Message(body, headers=headers, expiration=50, user_id="guest", **sent)
    async with app.started():
        await exchange.publish(message, "order.paid")
        first, second, third = [(await inbox.batch())[0] for _ in range(3)]

    assert first.headers == {**first.headers, **headers}
    assert "x-asyncworker-attempt" not in first.headers
    for again, number in ((second, 2), (third, 3)):
        assert again.raw_body == body
        assert again.attempt == number
        assert (again.exchange, again.routing_key) == (f"{queue}.events", "order.paid")
        assert (again.message_id, again.content_type) == ("m-1", "application/json")
        assert {name: getattr(again, name) for name in sent} == {**sent, "delivery_mode": 2}
        assert (again.expiration, again.user_id) == (50.0, "guest")
        assert {name: again.headers[name] for name in headers} == {
            name: first.headers[name] for name in headers
        }
        assert again.headers["x-asyncworker-attempt"] == number
        assert again.headers["x-asyncworker-exchange"] == f"{queue}.events"
        assert again.headers["x-asyncworker-routing-key"] == "order.paid"
        assert again.headers["x-asyncworker-expiration"] == "50000"
        assert again.headers["x-asyncworker-user-id"] == "guest"
    await exchange.delete(if_unused=False)


async def test_a_connection_closed_in_the_middle_of_a_run_is_not_opened_behind_its_back(
    app, connection, failing, inbox, queue, publish
):
    def raises(message):
        return TimeoutError("on purpose") if message.attempt < message.body else None

    failing(raises, Retry(delay=0.1, factor=2), inbox)
    async with app.started():
        await publish(queue, b"2")
        assert await attempts(inbox, 2) == [1, 2]
        await connection.close()
        await publish(queue, b"3")
        assert await attempts(inbox, 3) == [1, 2, 3]
    links = [one for one in gc.get_objects() if type(one) is Link]
    ours = [one for one in links if one._broker is connection.broker]
    assert not any(one._connection for one in ours)


async def test_every_property_is_on_the_message_that_waits(app, failing, inbox, queue, admin):
    failing(until_attempt(9), Retry(delay=60), inbox).add(60_000)
    sent = aio_pika.Message(
        b"1",
        priority=3,
        correlation_id="c-1",
        reply_to="r-1",
        message_id="m-1",
        timestamp=datetime(2024, 1, 2, tzinfo=UTC),
        type="order",
        app_id="shop",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
    async with app.started():
        await admin.default_exchange.publish(sent, routing_key=queue)
        await inbox.batch()
    waiting = await admin.get_queue(f"asyncworker.retry.{queue}.60000")
    kept = await waiting.get(no_ack=True)
    for name in ("priority", "correlation_id", "reply_to", "message_id", "type", "app_id"):
        assert getattr(kept, name) == getattr(sent, name)
    assert kept.timestamp == sent.timestamp
    assert kept.delivery_mode == 2
    assert kept.expiration is None


async def test_is_not_sent_elsewhere_or_dropped_because_of_its_headers(
    app, failing, inbox, declare, queue, admin, publish, depth
):
    copies = await declare()
    failing(until_attempt(3), Retry(**SOON), inbox)
    # What the broker takes for a cycle without a rejection, at the end of which it would drop it.
    death = {
        "queue": queue,
        "reason": "expired",
        "count": 1,
        "exchange": "",
        "routing-keys": [queue],
    }
    async with app.started():
        await publish(queue, b"1", headers={"CC": [copies], "x-death": [death]})
        assert await attempts(inbox, 3) == [1, 2, 3]
    assert await depth(copies) == 1


async def test_tries_each_message_of_a_failed_batch_again_by_itself(
    app, failing, inbox, queue, publish
):
    def raises(message):
        message.accept() if message.body == 1 else None
        return ValueError("on purpose") if message.attempt == 1 else None

    bulk = {Options.BULK_SIZE: 3, Options.BULK_FLUSH_INTERVAL: 0.05}
    failing(raises, Retry(**SOON), inbox, **bulk)
    async with app.started():
        await publish(queue, b"1", b"2", b"3")
        messages = await inbox._items(5)
    again = sorted(message.body for message in messages if message.attempt == 2)
    assert again == [2, 3]


async def test_a_mapping_decides_by_the_nearest_class(app, failing, inbox, queue, publish, depth):
    errors = {"a": LookupError("a"), "b": KeyError("b"), "c": ValueError("c"), "d": OSError("d")}
    policy = {
        LookupError: Retry(attempts=2, then=Actions.ACK, **SOON),
        KeyError: Actions.ACK,
        Exception: Actions.REJECT,
        OSError: Retry(on=TimeoutError, then=Actions.ACK),
    }
    failing(lambda message: errors[message.body], policy, inbox)
    async with app.started():
        await publish(queue, *[json.dumps(name).encode() for name in errors])
        seen = [(message.body, message.attempt) for message in await inbox._items(5)]
    assert sorted(seen) == [("a", 1), ("a", 2), ("b", 1), ("c", 1), ("d", 1)]
    assert await depth(queue) == 0


async def test_a_handler_that_takes_too_long_is_tried_again_as_any(
    app, inbox, queue, publish, admin
):
    options = {Options.TIMEOUT: 0.05, Events.ON_EXCEPTION: Retry(on=(TimeoutError,), **SOON)}

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=options)
    async def slow(messages):
        await inbox(messages)
        if messages[0].attempt == 1:
            await asyncio.Event().wait()

    async with app.started():
        await publish(queue, b"1")
        assert await attempts(inbox, 2) == [1, 2]
    await admin.queue_delete(waiting_name(queue, 100, is_quorum=False))


@pytest.mark.parametrize("delay", [0.1, 0.123, None])
async def test_a_handler_may_put_a_message_off_itself(
    app, failing, inbox, queue, publish, depth, delay
):
    def raises(message):
        if message.attempt < 3:
            message.reject()
            message.retry(delay)

    failing(raises, Retry(attempts=2, **SOON), inbox).add(130)
    async with app.started():
        await publish(queue, b"1")
        assert await attempts(inbox, 3) == [1, 2, 3]
    assert await depth(queue) == 0
    if delay == 0.123:
        assert await depth(f"asyncworker.retry.{queue}.130") == 0


async def test_the_last_call_of_a_handler_wins(app, failing, inbox, queue, publish, depth):
    def raises(message):
        message.retry(delay=0.1)
        message.accept()

    failing(raises, Actions.REJECT, inbox)
    async with app.started():
        await publish(queue, b"1")
        await inbox.batch()
    assert await depth(queue) == 0


async def test_a_delay_that_cannot_be_fails_where_it_is_said(
    app, failing, inbox, queue, publish, logs
):
    failing(lambda message: message.retry(delay=-1), Actions.REJECT, inbox)
    async with app.started():
        await publish(queue, b"1")
        await logs.wait("delay must be a number of seconds from 0.001 to 3888000, got -1")


async def test_waits_in_a_replicated_queue_for_a_replicated_queue(app, inbox, admin, publish):
    name = f"test-{uuid.uuid4().hex[:12]}"
    options = {Events.ON_EXCEPTION: Retry(**SOON)}

    @app.route([Queue(name, type="quorum")], type=RouteTypes.AMQP_RABBITMQ, options=options)
    async def handler(messages):
        await inbox(messages)
        if messages[0].attempt < 3:
            raise ValueError

    async with app.started():
        await publish(name, b"1")
        assert await attempts(inbox, 3) == [1, 2, 3]
    waiting = waiting_name(name, 100, is_quorum=True)
    assert waiting.startswith(f"asyncworker.retry.{name}.100.quorum.")
    await admin.queue_delete(waiting)
    await admin.queue_delete(name)


async def test_finds_its_waiting_queue_again_when_it_was_deleted(
    app, failing, inbox, queue, publish, admin
):
    failing(until_attempt(2), Retry(**SOON), inbox)
    async with app.started():
        await publish(queue, b"1")
        assert await attempts(inbox, 2) == [1, 2]
        await admin.queue_delete(waiting_name(queue, 100, is_quorum=False))
        await publish(queue, b"1")
        assert await attempts(inbox, 2) == [1, 2]


async def test_a_message_that_cannot_wait_goes_back_to_its_queue(
    app, failing, inbox, queue, publish, admin, logs, depth
):
    # One of the same name that is another queue: it cannot be declared.
    waiting = waiting_name(queue, 100, is_quorum=False)
    await admin.declare_queue(waiting, durable=True, arguments={"x-max-length": 1})
    failing(until_attempt(2), Retry(**SOON), inbox)
    async with app.started():
        await publish(queue, b"1", message_id="m-1")
        record = await logs.wait("cannot wait for its next attempt and goes back at once")
        assert "PRECONDITION_FAILED" in record.getMessage()
        assert (record.message_id, record.queue) == ("m-1", queue)
        assert await attempts(inbox, 2) == [1, 1]
        await admin.queue_delete(waiting)
        while (await inbox.batch())[0].attempt != 2:
            pass
    assert await depth(queue) == 0


async def test_what_is_on_its_way_at_the_end_arrives_before_it(
    app, failing, inbox, queue, publish, depth
):
    failing(until_attempt(9), Retry(delay=60), inbox).add(60_000)
    async with app.started():
        await publish(queue, *[b"1"] * 50)
        await inbox._items(50)
    assert await depth(queue) == 0
    assert await depth(f"asyncworker.retry.{queue}.60000") == 50


async def test_leaves_no_task_behind_when_its_end_is_cut_short(
    private_node, inbox, logs, monkeypatch, limit
):
    monkeypatch.setenv("ASYNCWORKER_SHUTDOWN_TIMEOUT", "1")
    async with await aio_pika.connect(private_node.url) as outside:
        channel = await outside.channel()
        await channel.declare_queue("cut-short", durable=True)
    app = App(connections=[AMQPConnection(url=private_node.url)])
    options = {Events.ON_EXCEPTION: Retry(delay=60)}
    confirmed = asyncio.Event()

    @app.route(["cut-short"], type=RouteTypes.AMQP_RABBITMQ, options=options)
    async def handler(messages):
        # The broker may deliver a message before it confirms it to its publisher.
        await confirmed.wait()
        private_node.pause()
        inbox.batches.put_nowait(messages)
        raise ValueError

    try:
        async with asyncio.timeout(limit):
            with pytest.raises(Exception, match="cut short"):
                async with app.started():
                    await app["rabbitmq_connection"].put(1, routing_key="cut-short")
                    confirmed.set()
                    await inbox.batch()
    finally:
        private_node.resume()
    assert not any("Retries" in repr(task) for task in asyncio.all_tasks())
    async with asyncio.timeout(limit), await aio_pika.connect(private_node.url) as outside:
        names = ("cut-short", "asyncworker.retry.cut-short.60000")
        # The broker has still to notice that the worker is gone, and tells nobody.
        while not await found_in(outside, *names):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def found_in(connection, *names):
    """Delete queues that hold messages, and return how many these were."""
    found = 0
    for name in names:
        async with connection.channel() as channel:
            try:
                queue = await channel.get_queue(name)
            except aio_pika.exceptions.ChannelNotFoundEntity:
                continue
            count = queue.declaration_result.message_count
            if count:
                await channel.queue_delete(name)
            found += count
    return found


async def test_a_lost_connection_loses_no_retry(failing, private_node, inbox, queue, publish):
    async with Proxy.to(private_node.port) as proxy:
        url = f"amqp://guest:guest@127.0.0.1:{proxy.port}/"
        app = App(connections=[AMQPConnection(url=url)])
        failing(until_attempt(2), Retry(**SOON), inbox, app=app)
        done = set()
        async with app.started():
            await publish(queue, *[str(number).encode() for number in range(300)])
            while len(done) < 300:
                done |= {one.body for one in await inbox.batch() if one.attempt == 2}
                if len(done) == 1:
                    proxy.cut()
    assert done == set(range(300))


async def test_what_a_task_group_raises_is_tried_again(failing, inbox, app, queue, publish, depth):
    def raises(message):
        errors = [ConnectionResetError()]
        return ExceptionGroup("on purpose", errors) if message.attempt == 1 else None

    failing(raises, Retry(on=OSError, **SOON), inbox)
    async with app.started():
        await publish(queue, b"{}")
        assert await attempts(inbox, 2) == [1, 2]
    assert await depth(queue) == 0


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        ("retry", f"{NO_POLICY}, got 'retry'"),
        ({}, f"{NO_POLICY}, got {{}}"),
        ({5: Actions.ACK}, "must be keyed by classes of Exception, not 5, got {5: "),
        (
            {KeyError: 5},
            "must be one of Actions, a Retry, a Split or a Pause for KeyError, not 5, got {",
        ),
    ],
)
def test_refuses_what_is_no_policy_at_decoration(app, inbox, policy, complaint):
    with pytest.raises(ConfigurationError) as raised:
        app.route(["q"], RouteTypes.AMQP_RABBITMQ, options={Events.ON_EXCEPTION: policy})(inbox)
    assert str(raised.value).startswith(f"Events.ON_EXCEPTION: {complaint}")


@pytest.mark.parametrize(
    ("policy", "shown"),
    [
        (Actions.REJECT, "on_exception=reject"),
        (Retry(attempts=2), "on_exception=Retry(attempts=2)"),
        ({KeyError: Actions.ACK, OSError: Retry()}, "on_exception=KeyError:ack,OSError:Retry("),
    ],
)
def test_the_table_of_routes_shows_the_policy(app, inbox, policy, shown):
    app.route(["q"], RouteTypes.AMQP_RABBITMQ, options={Events.ON_EXCEPTION: policy})(inbox)
    assert shown in " ".join(rows_of(app)[0])
