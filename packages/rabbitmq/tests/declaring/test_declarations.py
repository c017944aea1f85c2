"""What routes are given as objects is declared, bound and consumed."""

import uuid
from contextlib import AsyncExitStack, asynccontextmanager

import aio_pika
import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.backend import Remark
from asyncworker.cli.checkup import problems_of
from asyncworker.rabbitmq import AMQPConnection, Binding, Exchange, Queue
from asyncworker.rabbitmq.connecting.link import Link
from asyncworker.rabbitmq.connecting.probe import WIDTH
from scripts.rabbitmq.probe import free_ports


def consume(app, *routes, handler):
    app.route(list(routes), type=RouteTypes.AMQP_RABBITMQ)(handler)


@pytest.mark.parametrize("kind", [None, "classic", "quorum"])
async def test_declares_a_queue_and_consumes_it(app, name, publish, inbox, kind):
    consume(app, Queue(name, type=kind), handler=inbox)
    assert app.routes[0].routes == (name,)
    async with app.started():
        await publish(name, b"1")
        assert await inbox.bodies(1) == [1]


@pytest.mark.parametrize("moment", ["startup", "shutdown"])
@pytest.mark.parametrize("number", [1, 2], ids=["same connection", "another one"])
async def test_hooks_may_publish_to_what_a_route_declares(amqp_url, name, inbox, moment, number):
    connections = [AMQPConnection(url=amqp_url, name=str(one)) for one in range(number)]
    app = App(connections=connections)
    bound = Queue(name, bind=[Binding(Exchange(name, "topic"), "a.*")])
    app.route([bound], type=RouteTypes.AMQP_RABBITMQ, connection="0")(inbox)

    async def publish(app):
        await connections[-1].put(1, routing_key=name)
        await connections[-1].put(2, exchange=name, routing_key="a.b")
        # One that needs no queue must not be lost either.
        await connections[-1].put(3, exchange=name, routing_key="a.c", mandatory=False)

    getattr(app, f"run_on_{moment}")(publish)
    for _ in range(2):
        async with app.started():
            if moment == "startup":
                assert await inbox.bodies(3) == [1, 2, 3]


async def test_publishing_declares_what_routes_declare_without_a_run(app, connection, name, inbox):
    await connection.put(0, routing_key=name, mandatory=False)
    consume(app, Queue(name), handler=inbox)
    await connection.put(1, routing_key=name)
    await connection.close()
    async with app.started():
        assert await inbox.bodies(1) == [1]


async def test_what_cannot_be_declared_does_not_keep_others_from_being_published_to(
    app, connection, name, declare, inbox
):
    await declare(name, **{"x-max-length": 5})
    consume(app, Queue(name), handler=inbox)
    consume(app, Queue(f"{name}.other", bind=[Binding(f"{name}.other")]), handler=inbox)
    consume(app, Queue(f"{name}.dead"), handler=inbox)
    await connection.put(1, routing_key=f"{name}.dead")
    await connection.close()


async def test_takes_what_exists_already_as_it_is_wanted(app, name, publish, inbox):
    queue = Queue(name, ttl=60, max_length=100, dead_letter=True)
    consume(app, queue, handler=inbox)
    for body in (b"1", b"2"):
        async with app.started():
            await publish(name, body)
            assert await inbox.bodies(1) == [int(body)]


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("kind", ["classic", "quorum"])
async def test_a_single_active_consumer_has_all_until_it_leaves(
    app, amqp_url, name, publish, inbox, kind
):
    queue, next_inbox = Queue(name, type=kind, single_active_consumer=True), type(inbox)()
    consume(app, queue, handler=inbox)
    next_app = App(connections=[AMQPConnection(url=amqp_url)])
    consume(next_app, queue, handler=next_inbox)
    async with AsyncExitStack() as stack:
        async with app.started():
            await publish(name, b"0")
            assert await inbox.bodies(1) == [0]
            await stack.enter_async_context(next_app.started())
            await publish(name, *(str(number).encode() for number in range(1, 21)))
            assert await inbox.bodies(20) == list(range(1, 21))
        await publish(name, b"21")
        assert await next_inbox.bodies(1) == [21]


@pytest.mark.usefixtures("path")
async def test_a_queue_with_priorities_gives_what_is_urgent_first(app, connection, name, inbox):
    consume(app, Queue(name, type="classic", max_priority=5), handler=inbox)
    for priority in (1, 3, 9, 2):
        await connection.put(priority, routing_key=name, priority=priority)
    async with app.started():
        batches = [await inbox.batch() for _ in range(4)]
    assert [message.body for batch in batches for message in batch] == [9, 3, 2, 1]


@pytest.mark.usefixtures("path")
async def test_takes_every_name_that_the_broker_takes(app, name, declare, publish, inbox):
    """Any client may have made such, but for the library, which lets few characters pass."""
    odd = f"{name};v2 'é'\t<%>"
    exchange = Exchange(odd, "fanout", auto_delete=True)
    consume(app, Queue(odd, bind=[Binding(exchange)], auto_delete=True), handler=inbox)
    async with app.started():
        too_old = await declare(**{"x-message-ttl": 1, "x-dead-letter-exchange": odd})
        await publish(too_old, b"1")
        (message,) = await inbox.batch()
        assert (message.queue, message.exchange) == (odd, odd)
        await app["rabbitmq_connection"].put(2, routing_key=odd)
        assert await inbox.bodies(1) == [2]
        assert app.problems == []


async def test_opens_few_connections_at_a_time_for_what_may_end_one(app, admin, inbox, monkeypatch):
    name = f"test-{uuid.uuid4().hex[:12]}"
    queues = [Queue(f"{name}-{number}", arguments={"x-max-length": 9}) for number in range(30)]
    open_now, counts = 0, []
    aside = Link.aside

    @asynccontextmanager
    async def counted(self):
        nonlocal open_now
        open_now += 1
        counts.append(open_now)
        async with aside(self) as link:
            yield link
        open_now -= 1

    monkeypatch.setattr(Link, "aside", counted)
    app.route(queues, type=RouteTypes.AMQP_RABBITMQ)(inbox)
    async with app.started():
        pass
    for queue in queues:
        await admin.queue_delete(queue.name)
    assert len(counts) >= len(queues)
    assert max(counts) == WIDTH


async def test_never_declares_a_plain_name(app, name, declare, publish, inbox, exists, logs):
    consume(app, name, Queue(f"{name}.other"), handler=inbox)
    async with app.started():
        await publish(f"{name}.other", b"1")
        await inbox.bodies(1)
        await logs.wait(f"the queue does not exist: create it, or pass Queue('{name}')")
        assert not await exists(name)


@pytest.mark.parametrize("is_declared", [True, False])
async def test_binds_to_an_exchange_that_is_declared_or_exists(
    app, name, admin, inbox, is_declared
):
    exchange = Exchange(name, type="topic") if is_declared else name
    if not is_declared:
        await admin.declare_exchange(name, "topic", durable=True)
    consume(app, Queue(name, bind=[Binding(exchange, "order.*")]), handler=inbox)
    async with app.started():
        found = await admin.get_exchange(name)
        await found.publish(aio_pika.Message(b"1"), "order.paid")
        (message,) = await inbox.batch()
        assert (message.body, message.exchange, message.routing_key) == (1, name, "order.paid")


async def test_waits_for_an_exchange_that_is_only_named(
    app, name, admin, publish, inbox, queue, logs
):
    consume(app, Queue(name, bind=[Binding(name)]), queue, handler=inbox)
    async with app.started():
        await publish(queue, b"1")
        assert await inbox.bodies(1) == [1]
        hint = f"exchange '{name}' does not exist: create it, or pass Exchange('{name}')"
        await logs.wait(hint)
        assert any(hint in problem for problem in app.problems)
        await admin.declare_exchange(name, "direct", durable=True)
        await logs.wait(f"queue '{name}', vhost '/': consuming")
        assert app.problems == []


@pytest.mark.parametrize("arguments", [{"x-match": "all", "kind": "a"}])
async def test_binds_to_a_headers_exchange_by_arguments(app, name, admin, inbox, arguments):
    binding = Binding(Exchange(name, type="headers"), arguments=arguments)
    consume(app, Queue(name, bind=(binding,)), handler=inbox)
    async with app.started():
        exchange = await admin.get_exchange(name)
        for kind in ("b", "a"):
            message = aio_pika.Message(b"1", headers={"kind": kind})
            await exchange.publish(message, "", mandatory=False)
        (message,) = await inbox.batch()
        assert message.headers["kind"] == "a"


def dead_letters(name):
    return [True, f"{name}.other", Queue(f"{name}.other"), Exchange(f"{name}.other", "fanout")]


@pytest.mark.parametrize("number", range(4), ids=["True", "name", "Queue", "Exchange"])
async def test_sends_dead_letters_where_it_is_told(app, name, admin, publish, inbox, number):
    dead_letter = dead_letters(name)[number]
    dead = f"{name}.dead" if dead_letter is True else f"{name}.other"
    if isinstance(dead_letter, str):
        await admin.declare_queue(dead, durable=True)
    bind = [Binding(dead_letter)] if isinstance(dead_letter, Exchange) else []

    @app.route(
        [Queue(name, dead_letter=dead_letter)],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Options.BULK_SIZE: 2, Options.BULK_FLUSH_INTERVAL: 0.01},
    )
    async def handler(messages):
        for message in messages:
            message.reject(requeue=False)

    consume(app, Queue(dead, bind=bind) if bind else dead, handler=inbox)
    async with app.started():
        await publish(name, b"1")
        assert await inbox.bodies(1) == [1]


async def test_drops_what_is_too_old_or_too_many(app, name, admin, publish, inbox):
    consume(app, Queue(name, max_length=2, dead_letter=True), f"{name}.dead", handler=inbox)
    consume(app, Queue(f"{name}.other", ttl=0.05, dead_letter=f"{name}.dead"), handler=inbox)
    async with app.started():
        pass
    await publish(f"{name}.other", b'"too old"')
    await publish(name, b'"too many"', b"2", b"3")
    dead = await admin.get_queue(f"{name}.dead")
    got = set()
    while len(got) < 2:
        if message := await dead.get(no_ack=True, fail=False):
            got.add(message.body)
    assert got == {b'"too old"', b'"too many"'}


async def test_creates_its_queue_again_when_it_is_deleted(app, name, admin, publish, inbox, logs):
    consume(app, Queue(name, bind=[Binding(Exchange(name))]), handler=inbox)
    async with app.started():
        await publish(name, b"1")
        assert await inbox.bodies(1) == [1]
        await admin.queue_delete(name)
        await logs.wait(f"queue '{name}', vhost '/': consuming", 2)
        await (await admin.get_exchange(name)).publish(aio_pika.Message(b"2"), "")
        assert await inbox.bodies(1) == [2]


async def test_declares_when_the_broker_comes_after_the_start(inbox, private_node, logs):
    connection = AMQPConnection(url=private_node.url)
    app = App(connections=[connection])
    consume(app, Queue("comes-later", auto_delete=True), handler=inbox)
    private_node.stop()
    try:
        async with app.started():
            await logs.wait("cannot connect")
            assert app.problems
            private_node.start()
            await logs.wait("queue 'comes-later', vhost '/': consuming")
            await connection.put(1, routing_key="comes-later")
            assert await inbox.bodies(1) == [1]
    finally:
        private_node.start()


async def test_the_start_does_not_wait_for_a_broker_that_is_not_there(inbox):
    (port,) = free_ports(1)
    app = App(connections=[AMQPConnection(url=f"amqp://guest:guest@127.0.0.1:{port}/")])
    consume(app, Queue("orders"), handler=inbox)
    async with app.started():
        pass


@pytest.mark.parametrize("existing", [None, {"x-queue-type": "quorum"}])
async def test_the_check_tells_of_queues_that_drop_messages(app, name, declare, inbox, existing):
    if existing is not None:
        await declare(name, **existing)
    consume(app, Queue(name, type="quorum", delivery_limit=5), handler=inbox)
    consume(app, Queue(f"{name}.other", type="quorum", delivery_limit=-1), handler=inbox)
    consume(app, Queue(f"{name}.dead", type="quorum"), handler=inbox)

    (line,) = await problems_of(app, 20)

    assert isinstance(line, Remark)
    lost = "what comes back more than 5 times is dropped: give it a dead_letter"
    without = "it exists without x-delivery-limit, so delivery_limit=5 has no effect"
    assert line.startswith(f"queue {name!r}, vhost '/': {without if existing else lost}")
