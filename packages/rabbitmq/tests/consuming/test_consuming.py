"""From the queue to the handler, and the outcome back."""

import asyncio
import json
import logging
import struct

import aio_pika
import pytest

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.rabbitmq import AMQPConnection, AMQPOptions, RabbitMQMessage, Retry
from asyncworker.rabbitmq.amqp.methods import QueueDeclare
from asyncworker.rabbitmq.connecting.link import Link

pytestmark = pytest.mark.usefixtures("path")


def bodies(count, start=0):
    return [json.dumps(number).encode() for number in range(start, start + count)]


async def test_gives_the_handler_a_list_of_messages_with_all_they_carry(app, inbox, queue, publish):
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await publish(
            queue,
            b'{"dog": "Xablau"}',
            headers={"x-a": 1},
            message_id="m-1",
            content_type="application/json",
        )
        (message,) = await inbox.batch()

    assert isinstance(message, RabbitMQMessage)
    assert message.body == {"dog": "Xablau"}
    assert message.raw_body == b'{"dog": "Xablau"}'
    assert message.headers == {"x-a": 1}
    assert message.routing_key == queue
    assert message.exchange == ""
    assert message.queue == queue
    assert message.message_id == "m-1"
    assert message.content_type == "application/json"
    assert message.redelivered is False
    assert message.delivery_tag == 1


async def test_confirms_what_the_handler_handled(app, inbox, queue, publish, depth):
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await publish(queue, *bodies(500))
        assert await inbox.bodies(500) == list(range(500))

    assert await depth(queue) == 0


async def test_consumes_all_queues_of_a_route(app, inbox, declare, publish):
    first, second = await declare(), await declare()
    app.route([first, second], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await publish(first, b"1")
        await publish(second, b"2")
        assert await inbox.bodies(2) == [1, 2]


async def test_says_why_one_of_many_queues_is_refused_and_consumes_the_others(
    app, admin, declare, publish, inbox, logs
):
    queues = [await declare() for _ in range(9)]
    taken = queues[4]
    others = set(queues) - {taken}
    held = await admin.get_queue(taken)
    tag = await held.consume(print, exclusive=True)
    app.route(queues, type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await logs.wait(f"queue '{taken}', vhost '/': ACCESS_REFUSED")
        for queue in others:
            await logs.wait(f"queue '{queue}', vhost '/': consuming")
            await publish(queue, b"1")
        assert await inbox.bodies(len(others)) == [1] * len(others)
        (problem,) = app.problems
        assert f"queue '{taken}', vhost '/': ACCESS_REFUSED" in problem
        said = [record.getMessage() for record in logs.matching("not consumed: ")]
        (reason,) = {line.partition("not consumed: ")[2] for line in said}
        assert reason.startswith(f"ACCESS_REFUSED - queue '{taken}'")

        await held.cancel(tag)
        await logs.wait(f"queue '{taken}', vhost '/': consuming")
        assert app.problems == []


@pytest.mark.parametrize(
    "error", [ValueError, TypeError, struct.error, RuntimeError, asyncio.InvalidStateError]
)
async def test_what_the_library_raises_for_one_queue_is_that_queues_trouble_alone(
    app, declare, publish, inbox, logs, monkeypatch, error
):
    good, bad = await declare(), await declare()
    opened, refused = [], []
    open_channel = Link.open_channel

    async def counted(self, *, confirms):
        opened.append(self)
        return await open_channel(self, confirms=confirms)

    def refuse(frame):
        if frame.queue == bad:
            refused.append(frame)
            raise error("on purpose")

    monkeypatch.setattr(Link, "open_channel", counted)
    monkeypatch.setattr(QueueDeclare, "validate", refuse)
    app.route([good, bad], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await logs.wait(f"queue '{bad}', vhost '/': on purpose; waiting")
        await publish(good, b"1")
        assert await inbox.bodies(1) == [1]
        (problem,) = app.problems
        assert "on purpose" in problem

        monkeypatch.undo()
        await logs.wait(f"queue '{bad}', vhost '/': consuming")
        assert app.problems == []
    assert len(logs.matching(f"queue '{good}', vhost '/': consuming")) == 1
    # That of the route, one for the question about the other queue, and one for each that failed.
    assert len(opened) <= 2 + len(refused)


async def test_one_handler_serves_the_routes_that_are_stacked_on_it(app, declare, publish, inbox):
    first, second = await declare(), await declare()
    route = app.route([first], type=RouteTypes.AMQP_RABBITMQ)
    app.route([second], type=RouteTypes.AMQP_RABBITMQ)(route(inbox))
    async with app.started():
        await publish(first, b"1")
        await publish(second, b"2")
        assert await inbox.bodies(2) == [1, 2]


async def test_uses_one_channel_for_each_route_with_prefetch_for_each_queue(
    private_node, inbox, admin, limit
):
    names = ["one-channel-a", "one-channel-b", "other-channel"]
    async with (
        await aio_pika.connect(private_node.url) as connection,
        connection.channel() as channel,
    ):
        for name in names:
            await channel.declare_queue(name, durable=True)
        app = App(connections=[AMQPConnection(url=private_node.url, prefetch=7)])
        app.route(names[:2], type=RouteTypes.AMQP_RABBITMQ)(inbox)
        app.route(names[2:], type=RouteTypes.AMQP_RABBITMQ, prefetch=3)(inbox)
        async with app.started():
            for name in names:
                await channel.default_exchange.publish(aio_pika.Message(b"1"), routing_key=name)
            await inbox.bodies(3)
            listed = await asyncio.to_thread(
                private_node.ctl, "list_consumers", "queue_name", "channel_pid", "prefetch_count"
            )
        rows = {row.split("\t")[0]: row.split("\t")[1:] for row in listed.splitlines()}
        for name in names:
            await channel.queue_delete(name)

    assert rows["one-channel-a"][0] == rows["one-channel-b"][0] != rows["other-channel"][0]
    assert [rows[name][1] for name in names] == ["7", "7", "3"]


async def test_consumes_from_the_vhost_of_the_route(private_node, inbox):
    await asyncio.to_thread(private_node.add_vhost, "a/b")
    connection = AMQPConnection(url=private_node.url)
    url = f"{private_node.url}a%2Fb"
    async with await aio_pika.connect(url) as admin, admin.channel() as channel:
        await channel.declare_queue("in-vhost", auto_delete=True)
        app = App(connections=[connection])
        app.route(["in-vhost"], type=RouteTypes.AMQP_RABBITMQ, vhost="a/b")(inbox)
        async with app.started():
            await connection.put({"n": 1}, routing_key="in-vhost", vhost="a/b")
            (message,) = await inbox.batch()
            assert message.body == {"n": 1}


@pytest.mark.parametrize(
    ("options", "raises", "redelivered", "dead"),
    [
        ({}, False, False, False),
        ({}, True, True, False),
        ({Events.ON_SUCCESS: Actions.ACK}, False, False, False),
        ({Events.ON_SUCCESS: Actions.REJECT}, False, False, True),
        ({Events.ON_SUCCESS: Actions.REQUEUE}, False, True, False),
        ({Events.ON_EXCEPTION: Actions.ACK}, True, False, False),
        ({Events.ON_EXCEPTION: Actions.REJECT}, True, False, True),
        ({Events.ON_EXCEPTION: Actions.REQUEUE}, True, True, False),
        (AMQPOptions(on_exception=Actions.REJECT), True, False, True),
    ],
)
async def test_settles_as_the_options_of_the_route_say(
    app, declare, publish, depth, inbox, options, raises, redelivered, dead
):
    dead_letters = await declare()
    queue = await declare(
        **{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead_letters}
    )

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=options)
    async def handler(messages):
        await inbox(messages)
        (message,) = messages
        if message.redelivered:
            message.accept()
        elif raises:
            raise RuntimeError("on purpose")

    async with app.started():
        await publish(queue, b"1")
        assert [message.redelivered for message in await inbox.batch()] == [False]
        if redelivered:
            assert [message.redelivered for message in await inbox.batch()] == [True]

    assert await depth(queue) == 0
    assert await depth(dead_letters) == (1 if dead else 0)


@pytest.mark.parametrize("raises", [False, True])
async def test_a_messages_own_outcome_beats_the_route_and_the_last_call_wins(
    app, declare, publish, depth, inbox, raises
):
    dead_letters = await declare()
    queue = await declare(
        **{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead_letters}
    )

    @app.route(
        [queue],
        type=RouteTypes.AMQP_RABBITMQ,
        options={
            Options.BULK_SIZE: 3,
            Events.ON_SUCCESS: Actions.REJECT,
            Events.ON_EXCEPTION: Actions.REJECT,
        },
    )
    async def handler(messages):
        accepted, requeued, dropped = messages
        accepted.reject(requeue=False)
        accepted.accept()
        requeued.accept()
        requeued.reject()
        dropped.accept()
        dropped.reject(requeue=False)
        await inbox(messages)
        app.shutdown()
        if raises:
            raise RuntimeError("on purpose")

    async with app.started():
        await publish(queue, *bodies(3))
        await inbox.batch()

    assert (await depth(queue), await depth(dead_letters)) == (1, 1)


async def test_flushes_what_it_has_when_the_oldest_is_old_enough(app, queue, publish, inbox):
    options = {Options.BULK_SIZE: 100, Options.BULK_FLUSH_INTERVAL: 0.5}
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=options)(inbox)
    async with app.started():
        await publish(queue, *bodies(3))
        assert await inbox.bodies(3) == [0, 1, 2]


async def test_the_environment_sets_the_flush_timeout(
    monkeypatch, connection, queue, publish, inbox
):
    monkeypatch.setenv("ASYNCWORKER_FLUSH_TIMEOUT", "0.5")
    app = App(connections=[connection])
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 100})(inbox)
    async with app.started():
        await publish(queue, b"1")
        assert await inbox.bodies(1) == [1]


@pytest.mark.parametrize(
    ("bulk_size", "max_concurrency", "expected"), [(1, None, 8), (3, None, 2), (1, 5, 5), (8, 5, 1)]
)
async def test_handles_as_many_batches_side_by_side_as_prefetch_holds(
    amqp_url, queue, publish, bulk_size, max_concurrency, expected, limit
):
    app = App(connections=[AMQPConnection(url=amqp_url, prefetch=8)])
    running, most = 0, 0
    full, release = asyncio.Event(), asyncio.Event()

    @app.route(
        [queue],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Options.BULK_SIZE: bulk_size, Options.MAX_CONCURRENCY: max_concurrency},
    )
    async def handler(messages):
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == expected:
            full.set()
        await release.wait()
        running -= 1

    async with app.started(), asyncio.timeout(limit):
        await publish(queue, *bodies(24))
        await full.wait()
        release.set()

    assert most == expected


async def test_a_route_may_say_how_many_are_taken_ahead(app, queue, publish, inbox, limit):
    many = {Options.BULK_SIZE: 2}
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=many, prefetch=4)(inbox)
    assert (app.routes[0].prefetch, app.routes[0].concurrency) == (4, 2)
    async with app.started():
        await publish(queue, *bodies(6))
        assert await inbox.bodies(6) == list(range(6))


async def test_a_batch_larger_than_prefetch_comes_full_and_the_log_says_so_once(
    amqp_url, queue, publish, inbox, logs
):
    app = App(connections=[AMQPConnection(url=amqp_url, prefetch=2)])
    full = {Options.BULK_SIZE: 5, Options.BULK_FLUSH_INTERVAL: 3600}
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=full)(inbox)
    async with app.started():
        await publish(queue, *bodies(10))
        batches = [await inbox.batch() for _ in range(2)]
    assert [len(batch) for batch in batches] == [5, 5]
    told = "handler Inbox: prefetch is 5, for Options.BULK_SIZE, and not 2 as of its connection"
    assert len(logs.matching(told)) == 1


async def test_who_watches_is_told_that_a_batch_waits(
    app, queue, publish, inbox, logs, monkeypatch
):
    monkeypatch.setattr("asyncworker.bucket.PATIENCE", 0.01)
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 5})(inbox)
    async with app.started():
        await publish(queue, b"1")
        await logs.wait("handler Inbox: a batch waits with 1 of 5 items, for 60 s at most: ")


async def test_a_slow_batch_does_not_stop_the_next(app, queue, publish, inbox, limit):
    release = asyncio.Event()

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        if messages[0].body == 0:
            await release.wait()
        await inbox(messages)

    async with app.started():
        await publish(queue, *bodies(10))
        assert await inbox.bodies(9) == list(range(1, 10))
        release.set()
        assert await inbox.bodies(1) == [0]


@pytest.mark.parametrize("body", ["[" * 500 + "]" * 500, '"\\ud800"', '{"a": 1}'], ids=len)
async def test_decodes_every_valid_json(app, queue, publish, inbox, body):
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        await publish(queue, body.encode(), body.encode("utf-16"))
        for _ in range(2):
            (message,) = await inbox.batch()
            assert message.body == json.loads(body)


async def test_logs_a_handlers_error_with_queue_and_message_id_and_goes_on(
    app, queue, publish, inbox, logs
):
    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        if messages[0].body == 0 and not messages[0].redelivered:
            raise KeyError("on purpose")
        await inbox(messages)

    async with app.started():
        await publish(queue, b"0", b"1", message_id="m-1")
        assert await inbox.bodies(2) == [0, 1]

    (record,) = logs.matching("raised KeyError('on purpose')")
    assert record.exc_info[0] is KeyError
    assert record.exc_info[2].tb_frame.f_code is handler.__code__
    assert (record.queues, record.message_ids) == ([queue], ["m-1"])


class Odd(type):
    def __instancecheck__(cls, one):
        raise RuntimeError("odd")


class Strange(Exception, metaclass=Odd):
    pass


async def test_a_batch_is_settled_though_a_class_of_the_policy_raises(
    app, queue, publish, inbox, depth, logs
):
    bulk = {Options.BULK_SIZE: 3, Options.BULK_FLUSH_INTERVAL: 0.05}
    options = {**bulk, Events.ON_EXCEPTION: Retry(on=Strange)}

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=options)
    async def handler(messages):
        await inbox(messages)
        for message in messages:
            message.accept() if message.body else None
        if not any(message.redelivered for message in messages):
            raise ValueError("on purpose")

    async with app.started():
        await publish(queue, b"0", b"1", b"2")
        assert await inbox.bodies(4) == [0, 0, 1, 2]
    assert await depth(queue) == 0
    record = await logs.wait("not all could be settled as they should, and go back: RuntimeError")
    assert record.queues == [queue]


async def test_a_batch_is_settled_though_an_outcome_is_none(app, queue, publish, inbox, depth):
    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 2})
    async def handler(messages):
        await inbox(messages)
        for message in messages:
            message.outcome = None if message.body or message.redelivered else "confirmed"

    async with app.started():
        await publish(queue, b"0", b"1", b"2", b"3")
        assert await inbox.bodies(4) == [0, 1, 2, 3]
        await publish(queue, b"4")
        assert await inbox.bodies(2) == [0, 4]
    assert await depth(queue) == 0


async def test_a_batch_is_settled_though_a_filter_of_the_log_raises(
    app, queue, publish, inbox, depth
):
    def broken(record):
        raise RuntimeError("broken")

    options = {Events.ON_EXCEPTION: Actions.REJECT}

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=options)
    async def handler(messages):
        await inbox(messages)
        raise ValueError("on purpose")

    log = logging.getLogger("asyncworker.rabbitmq.settling.outcomes")
    log.addFilter(broken)
    try:
        async with app.started():
            await publish(queue, b"0", b"1")
            assert await inbox.bodies(2) == [0, 1]
    finally:
        log.removeFilter(broken)
    assert await depth(queue) == 0


async def test_logs_no_data_of_what_a_handler_raised(app, queue, publish, inbox, logs):
    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        if not messages[0].redelivered:
            (messages[0].raw_body + b"\xff").decode()
        await inbox(messages)

    async with app.started():
        await publish(queue, b'{"password": "hunter2"}')
        assert await inbox.batch()
    assert logs.matching("raised UnicodeDecodeError(")
    assert "hunter2" not in logs.written()


@pytest.mark.parametrize("error", [asyncio.CancelledError, SystemExit, KeyboardInterrupt])
async def test_puts_back_what_a_handler_that_wants_to_exit_was_given_and_goes_on(
    app, queue, publish, depth, inbox, logs, error
):
    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options={Events.ON_EXCEPTION: Actions.ACK})
    async def handler(messages):
        await inbox(messages)
        if not messages[0].redelivered:
            messages[0].accept()
            raise error

    async with app.started():
        await publish(queue, b"1")
        assert not (await inbox.batch())[0].redelivered
        assert (await inbox.batch())[0].redelivered

    assert await depth(queue) == 0
    assert logs.matching(f"raised {error.__name__}")


async def test_an_app_of_the_oldest_form_consumes_without_a_route_type(
    private_node, inbox, publish
):
    async with (
        await aio_pika.connect(private_node.url) as admin,
        admin.channel() as channel,
    ):
        await channel.declare_queue("oldest-form", auto_delete=True)
        host = f"127.0.0.1:{private_node.port}"
        app = App(host=host, user="guest", password="guest", prefetch_count=256)
        app.route(["oldest-form"], vhost="/")(inbox)
        async with app.started():
            await app["rabbitmq_connection"].put({"n": 1}, routing_key="oldest-form")
            assert (await inbox.batch())[0].body == {"n": 1}
        assert app["rabbitmq_connection"].prefetch == 256
