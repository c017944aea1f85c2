"""Messages that are handled again later: the broker keeps them, nothing is lost."""

import asyncio
import json
import time
import uuid
from datetime import UTC, datetime

import aio_pika
import pytest

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.listing import rows_of
from asyncworker.rabbitmq import AMQPConnection, Queue, Retry
from asyncworker.rabbitmq.errors import NotSerializable
from asyncworker.rabbitmq.publisher import Publisher
from asyncworker.rabbitmq.retry import outcome_of, rounded
from asyncworker.rabbitmq.waiting import waiting_name
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.usefixtures("path")

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
        assert {name: again.headers[name] for name in headers} == {
            name: first.headers[name] for name in headers
        }
        assert again.headers["x-asyncworker-attempt"] == number
        assert again.headers["x-asyncworker-exchange"] == f"{queue}.events"
        assert again.headers["x-asyncworker-routing-key"] == "order.paid"
        assert again.headers["x-asyncworker-expiration"] == "50000"
        assert again.headers["x-asyncworker-user-id"] == "guest"
    await exchange.delete(if_unused=False)


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


BAD = [
    (lambda: Retry(attempts=0), "Retry: attempts must be an int from 1 to 2147483647, got 0"),
    (lambda: Retry(attempts=True), "Retry: attempts must be an int from 1"),
    (
        lambda: Retry(delay=0),
        "Retry: delay must be a number of seconds from 0.001 to ",
    ),
    (lambda: Retry(delay=float("nan")), "Retry: delay must be a number of seconds from"),
    (lambda: Retry(delay=60, max_delay=5), "Retry: max_delay is less than delay=60, got 5"),
    (lambda: Retry(factor=0.5), "Retry: factor must be a number of at least 1, got 0.5"),
    (lambda: Retry(jitter=1.1), "Retry: jitter must be a number from 0 to 1, got 1.1"),
    (lambda: Retry(on=(5,)), "Retry: on must hold classes of Exception, got 5"),
    (lambda: Retry(on=()), "Retry: on must be a tuple of exceptions, got ()"),
    (lambda: Retry(on=KeyboardInterrupt), "Retry: on must hold classes of Exception, got <class"),
    (lambda: Retry(then="reject"), "Retry: then must be one of Actions, got 'reject'"),
]


@pytest.mark.parametrize(("make", "complaint"), BAD)
def test_refuses_what_cannot_be_where_it_is_made(make, complaint):
    with pytest.raises(ConfigurationError) as raised:
        make()
    assert str(raised.value).startswith(complaint)


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        (
            "retry",
            "must be one of Actions, a Retry, or a dict from exceptions to these, got 'retry'",
        ),
        ({}, "must be one of Actions, a Retry, or a dict from exceptions to these, got {}"),
        ({5: Actions.ACK}, "must be keyed by classes of Exception, not 5, got {5: "),
        ({KeyError: 5}, "must be one of Actions or a Retry for KeyError, not 5, got {"),
    ],
)
def test_refuses_what_is_no_policy_at_decoration(app, inbox, policy, complaint):
    with pytest.raises(ConfigurationError) as raised:
        app.route(["q"], RouteTypes.AMQP_RABBITMQ, options={Events.ON_EXCEPTION: policy})(inbox)
    assert str(raised.value).startswith(f"Events.ON_EXCEPTION: {complaint}")


def test_delays_grow_up_to_the_most():
    retry = Retry(delay=1, factor=3, max_delay=20)
    assert [retry.milliseconds(attempt) for attempt in (1, 2, 3, 4, 10**9)] == [
        1000,
        3000,
        9000,
        20_000,
        20_000,
    ]


def test_jitter_shortens_delays_in_few_steps():
    retry = Retry(delay=1, jitter=0.5)
    drawn = {retry.milliseconds(1) for _ in range(500)}
    assert drawn == {500, 625, 750, 875, 1000}
    assert min(Retry(jitter=1).milliseconds(1) for _ in range(500)) == 1


@pytest.mark.parametrize(
    ("delay", "milliseconds"),
    [(0.001, 1), (0.099, 99), (0.1234, 130), (1.0, 1000), (3600, 3_600_000), (3601, 3_700_000)],
)
def test_rounds_the_delays_of_handlers_so_that_queues_are_few(delay, milliseconds):
    assert rounded(delay) == milliseconds


def test_what_no_class_of_a_mapping_fits_is_put_back():
    policy = {KeyError: Actions.REJECT}
    assert outcome_of(policy, ValueError(), Actions.REQUEUE) is Actions.REQUEUE


def group(*errors):
    return ExceptionGroup("unhandled errors in a TaskGroup", errors)


@pytest.mark.parametrize(
    ("raised", "is_tried_again"),
    [
        (group(ConnectionResetError()), True),
        (group(OSError(), group(TimeoutError(), group(OSError()))), True),
        (group(OSError(), KeyError()), False),
        (group(group(KeyError())), False),
    ],
)
def test_a_group_is_worth_a_retry_when_all_in_it_is(raised, is_tried_again):
    retry = Retry(on=(OSError, TimeoutError))
    assert outcome_of(retry, raised, Actions.ACK) is (retry if is_tried_again else Actions.REJECT)


def test_a_group_named_as_such_is_worth_a_retry():
    retry = Retry(on=ExceptionGroup)
    assert outcome_of(retry, group(KeyError()), Actions.ACK) is retry


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        (group(KeyError(), group(KeyError())), Actions.ACK),
        (group(LookupError(), KeyError()), Actions.REJECT),
        (group(KeyError(), ConnectionResetError()), Actions.ACK),
        (group(KeyError(), OSError()), Actions.REQUEUE),
        (group(KeyError(), ValueError()), Actions.REQUEUE),
    ],
)
def test_a_mapping_takes_a_group_for_what_all_in_it_are(raised, outcome):
    policy = {LookupError: Actions.REJECT, KeyError: Actions.ACK, ConnectionError: Actions.ACK}
    assert outcome_of(policy, raised, Actions.REQUEUE) is outcome


def test_a_mapping_may_name_groups_and_exceptions_of_all_kinds():
    policy = {ExceptionGroup: Actions.ACK, Exception: Actions.REJECT}
    assert outcome_of(policy, group(KeyError()), Actions.REQUEUE) is Actions.ACK
    del policy[ExceptionGroup]
    policy[KeyError] = Actions.ACK
    assert outcome_of(policy, group(KeyError()), Actions.REQUEUE) is Actions.ACK
    assert outcome_of(policy, group(KeyError(), OSError()), Actions.REQUEUE) is Actions.REJECT


async def test_what_a_task_group_raises_is_tried_again(failing, inbox, app, queue, publish, depth):
    def raises(message):
        return group(ConnectionResetError()) if message.attempt == 1 else None

    failing(raises, Retry(on=OSError, **SOON), inbox)
    async with app.started():
        await publish(queue, b"{}")
        assert await attempts(inbox, 2) == [1, 2]
    assert await depth(queue) == 0


def test_what_waits_for_a_quorum_queue_waits_in_another_one_each_hour(monkeypatch):
    """One that is used on and on goes an hour after its first declaration, with what is in it."""
    names = []
    for now in (7200.0, 10799.9, 10800.0):
        monkeypatch.setattr("asyncworker.rabbitmq.waiting.time", lambda now=now: now)
        names.append(waiting_name("q", 100, is_quorum=True))
    assert names == [f"asyncworker.retry.q.100.quorum.{hour}" for hour in (2, 2, 3)]


def test_the_name_of_a_waiting_queue_fits_however_long_the_name_of_the_queue():
    name = waiting_name("a" * 255, 3_888_000_000, is_quorum=True)
    assert len(name) <= 255
    assert name != waiting_name("a" * 254, 3_888_000_000, is_quorum=True)


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


@pytest.mark.parametrize(
    ("policy", "shown"),
    [
        (Retry(), "Retry()"),
        (Retry(attempts=3, delay=0.5), "Retry(attempts=3, delay=0.5)"),
        (Retry(on=OSError, then=Actions.ACK), "Retry(on=OSError, then=Actions.ACK)"),
        (Retry(on=(OSError, KeyError)), "Retry(on=OSError|KeyError)"),
    ],
)
def test_a_policy_shows_what_was_given(policy, shown):
    assert repr(policy) == shown
