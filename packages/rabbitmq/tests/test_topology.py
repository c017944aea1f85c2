"""Queues, exchanges and bindings that a route is given as objects."""

import asyncio
import dataclasses
import os
import sys
import uuid
from contextlib import asynccontextmanager

import aio_pika
import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.backend import Remark
from asyncworker.checkup import problems_of
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import (
    AMQPConnection,
    Binding,
    Exchange,
    Queue,
    RabbitMQMessage,
    TopologyMismatch,
)
from asyncworker.rabbitmq.link import Link
from asyncworker.rabbitmq.probe import WIDTH
from scripts.broker import private_broker
from scripts.rabbitmq import free_ports, version_of


@pytest.fixture
async def name(admin):
    """A name for what a test has declared; all that begins with it is deleted at the end."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    for suffix in ("", ".dead", ".other"):
        await admin.queue_delete(name + suffix)
        await admin.exchange_delete(name + suffix)


@pytest.fixture
def exists(amqp_url):
    async def exists(queue):
        async with await aio_pika.connect(amqp_url) as connection:
            channel = await connection.channel()
            try:
                await channel.declare_queue(queue, passive=True)
            except aio_pika.exceptions.ChannelNotFoundEntity:
                return False
            return True

    return exists


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


MISMATCHES = {
    "type": (
        {},
        {"type": "quorum"},
        "exists with x-queue-type 'classic', the route wants 'quorum'",
    ),
    "no type": (
        {"x-queue-type": "quorum"},
        {},
        # Since RabbitMQ 4.0 the broker names the type that a queue without one would have.
        {
            3: "exists with x-queue-type 'quorum', the route wants none",
            4: "exists with x-queue-type 'quorum', the route wants 'classic'",
        },
    ),
    "ttl": ({}, {"ttl": 5}, "exists without x-message-ttl, the route wants '5000'"),
    "other ttl": (
        {"x-message-ttl": 1000},
        {"ttl": 5},
        "exists with x-message-ttl '1000', the route wants '5000'",
    ),
    "durable": ({}, {"durable": False}, "exists with durable 'true', the route wants 'false'"),
}


@pytest.mark.parametrize("case", MISMATCHES)
async def test_a_difference_fails_the_start_in_one_readable_line(
    connection, declare, name, inbox, case, broker_version
):
    held, wanted, difference = MISMATCHES[case]
    if isinstance(difference, dict):
        difference = difference[broker_version[0]]
    await declare(name, **held)
    app = App(connections=[connection])
    consume(app, Queue(name, **wanted), handler=inbox)
    with pytest.raises(TopologyMismatch) as raised:
        async with app.started():
            pass
    expected = f"queue '{name}' {difference}: delete it or change the route"
    assert str(raised.value) == expected
    assert inbox.batches.empty()
    assert app.problems == []


@pytest.fixture(scope="module")
def node_without_transient_queues(private_node):
    """A RabbitMQ as later ones are, that takes no queue which is neither durable nor exclusive."""
    if version_of(private_node.url) < (4,):
        pytest.skip("RabbitMQ 3 takes transient queues whatever its configuration says")
    with private_broker("deprecated_features.permit.transient_nonexcl_queues = false\n") as node:
        yield node


@pytest.mark.parametrize("wanted", [{"durable": False}, {"dead_letter": Queue("b", durable=False)}])
async def test_a_transient_queue_that_is_refused_fails_the_start_in_one_readable_line(
    node_without_transient_queues, inbox, wanted
):
    app = App(connections=[AMQPConnection(url=node_without_transient_queues.url)])
    consume(app, Queue("a", **wanted), handler=inbox)
    with pytest.raises(TopologyMismatch) as raised:
        async with app.started():
            pass
    name = "b" if "dead_letter" in wanted else "a"
    reason = "this RabbitMQ takes no transient queue any more: leave out durable=False"
    assert str(raised.value) == f"queue '{name}': {reason}"


SCRIPT = """
import os
from asyncworker import App, RouteTypes
from asyncworker.rabbitmq import AMQPConnection, Queue

app = App(connections=[AMQPConnection(url=os.environ["URL"])])

@app.route([Queue(os.environ["QUEUE"], ttl=5)], type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages): ...

app.run()
"""


async def test_the_process_of_such_a_worker_ends_with_one_line_and_1(amqp_url, queue, limit):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SCRIPT,
        env=os.environ | {"URL": amqp_url, "QUEUE": queue, "ASYNCWORKER_LOGLEVEL": "WARNING"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(limit):
        output, _ = await process.communicate()
    (line,) = output.decode().splitlines()
    assert f"queue '{queue}' exists without x-message-ttl, the route wants '5000'" in line
    assert "Traceback" not in line
    assert process.returncode == 1


async def test_a_different_exchange_fails_the_start(app, name, admin, inbox):
    await admin.declare_exchange(name, "direct", durable=True)
    consume(app, Queue(name, bind=[Binding(Exchange(name, "topic"))]), handler=inbox)
    with pytest.raises(TopologyMismatch) as raised:
        async with app.started():
            pass
    assert str(raised.value).startswith(
        f"exchange '{name}' exists with type 'direct', the route wants 'topic': delete it"
    )


@pytest.mark.parametrize(
    ("queue", "told"),
    [
        (Queue("refused", arguments={"x-message-ttl": "soon"}), "invalid arg 'x-message-ttl'"),
        (
            Queue("refused", bind=[Binding(Exchange("refused", "x-nobodys"))]),
            "unknown exchange type 'x-nobodys'",
        ),
    ],
)
async def test_what_the_broker_does_not_know_fails_the_start_in_its_words(app, inbox, queue, told):
    consume(app, queue, handler=inbox)
    with pytest.raises(TopologyMismatch) as raised:
        async with app.started():
            pass
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


async def test_creates_its_queue_again_when_it_is_deleted(app, name, admin, publish, inbox, logs):
    consume(app, Queue(name, bind=[Binding(Exchange(name))]), handler=inbox)
    async with app.started():
        await publish(name, b"1")
        assert await inbox.bodies(1) == [1]
        await admin.queue_delete(name)
        await logs.wait(f"queue '{name}', vhost '/': consuming", 2)
        await (await admin.get_exchange(name)).publish(aio_pika.Message(b"2"), "")
        assert await inbox.bodies(1) == [2]


async def test_a_difference_found_later_is_a_problem_that_does_not_disturb_others(
    private_node, inbox, logs
):
    async def outside(action):
        async with await aio_pika.connect(private_node.url) as connection:
            await action(await connection.channel())

    async def declare(channel):
        for name in ("differs", "others"):
            await channel.declare_queue(name, durable=True)

    await outside(declare)
    private_node.stop()
    connection = AMQPConnection(url=private_node.url)
    app = App(connections=[connection])
    consume(app, Queue("differs", max_length=5), "others", handler=inbox)
    difference = "queue 'differs' exists without x-max-length, the route wants '5'"
    try:
        async with app.started():
            private_node.start()
            await logs.wait(difference)
            assert any(difference in problem for problem in app.problems)
            await connection.put(1, routing_key="others")
            assert await inbox.bodies(1) == [1]
            await outside(lambda channel: channel.queue_delete("differs"))
            await logs.wait("queue 'differs', vhost '/': consuming")
            assert app.problems == []
            assert len(logs.matching(difference)) == 1
    finally:
        private_node.start()
        await outside(lambda channel: channel.queue_delete("others"))
        await outside(lambda channel: channel.queue_delete("differs"))


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


async def test_the_check_tells_differences_and_declares_nothing(app, name, declare, exists, inbox):
    from asyncworker.checkup import problems_of

    consume(app, Queue(name, max_length=5), handler=inbox)
    assert await problems_of(app, 30) == []
    assert not await exists(name)
    await declare(name)
    (problem,) = await problems_of(app, 30)
    assert f"queue '{name}' exists without x-max-length, the route wants '5'" in problem
    consume(app, Queue(f"{name}.other", max_length=6), handler=inbox)
    await declare(f"{name}.other")
    first, second = await problems_of(app, 30)
    assert first == problem
    assert f"queue '{name}.other' exists without x-max-length, the route wants '6'" in second


BAD = {
    "no name": (lambda: Queue(""), "queue: name must be a non-empty string, got ''"),
    "a number for a name": (lambda: Queue(5), "queue: name must be a string, got 5"),
    "a long name": (lambda: Queue("é" * 128), "queue: name has at most 255 bytes, got "),
    "a name of two lines": (lambda: Queue("a\nb"), "queue: name must be of one line, got 'a\\nb'"),
    "a reserved name": (
        lambda: Exchange("amq.topic"),
        (
            "exchange: name 'amq.topic' is the broker's own, as all that begin with amq.: "
            "give it as a string"
        ),
    ),
    "a long name with True": (
        lambda: Queue("a" * 253, dead_letter=True),
        "queue: name has at most 255 bytes, got ",
    ),
    "an unknown type": (
        lambda: Queue("orders", type="qorum"),
        "queue 'orders': type 'qorum' is unknown: did you mean quorum? choose from classic, quorum",
    ),
    "a quorum queue that goes": (
        lambda: Queue("orders", type="quorum", durable=False),
        (
            "queue 'orders': a quorum queue is durable and stays: "
            "leave out durable= and auto_delete="
        ),
    ),
    "ttl": (
        lambda: Queue("orders", ttl=0),
        "queue 'orders': ttl must be a number of seconds from 0.001 to 3888000, got 0",
    ),
    "max_length": (
        lambda: Queue("orders", max_length=0),
        "queue 'orders': max_length must be an int from 1 to 2147483647, got 0",
    ),
    "durable": (
        lambda: Queue("orders", durable="yes"),
        "queue 'orders': durable must be True or False, got 'yes'",
    ),
    "one binding": (
        lambda: Queue("orders", bind=Binding("events")),
        "queue 'orders': bind must be a list: write bind=[Binding(...)]",
    ),
    "bind": (
        lambda: Queue("orders", bind="events"),
        "queue 'orders': bind must be a list, got 'events'",
    ),
    "in bind": (
        lambda: Queue("orders", bind=["events"]),
        "queue 'orders': bind must hold Bindings, got 'events'",
    ),
    "dead_letter": (
        lambda: Queue("orders", dead_letter=5),
        "queue 'orders': dead_letter must be True, a queue's name, a Queue or an Exchange, got 5",
    ),
    "arguments": (
        lambda: Queue("orders", arguments=[]),
        "queue 'orders': arguments must be a dict, got []",
    ),
    "an argument's name": (
        lambda: Queue("orders", arguments={5: 1}),
        "queue 'orders': the names in arguments are strings of up to 128, got 5",
    ),
    "an argument": (
        lambda: Queue("orders", arguments={"x": object}),
        "queue 'orders': argument 'x' has no AMQP form: ",
    ),
    "said twice": (
        lambda: Queue("orders", ttl=1, arguments={"x-message-ttl": 5}),
        (
            "queue 'orders': arguments hold 'x-message-ttl' = 5, and so does another parameter: "
            "say it once"
        ),
    ),
    "an exchange's type": (
        lambda: Exchange("events", "topics"),
        (
            "exchange 'events': type 'topics' is unknown: did you mean topic? "
            "choose from direct, fanout, headers, topic"
        ),
    ),
    "a routing key": (
        lambda: Binding("events", 5),
        "binding: routing_key must be a string, got 5",
    ),
    "a binding's exchange": (lambda: Binding(5), "exchange: name must be a string, got 5"),
}


@pytest.mark.parametrize("case", BAD)
def test_refuses_what_cannot_be_in_one_line_where_it_is_made(case):
    make, complaint = BAD[case]
    with pytest.raises(ConfigurationError) as raised:
        make()
    assert str(raised.value).startswith(complaint)


def test_cannot_be_changed_and_can_be_compared():
    bindings = [Binding("events", "a")]
    queue = Queue("orders", bind=bindings, arguments={"x-max-priority": 5})
    bindings.clear()
    assert queue == Queue("orders", bind=[Binding("events", "a")], arguments={"x-max-priority": 5})
    assert len({queue, Queue("orders")}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        queue.name = "other"
    with pytest.raises(TypeError):
        queue.arguments["x"] = 1


@pytest.mark.parametrize(
    ("routes", "complaint"),
    [
        ([Queue("a"), "a"], "'a' is in routes twice"),
        ([Exchange("a")], "each of routes must be a non-empty string or a Queue, got Exchange("),
        ([RabbitMQMessage], "each of routes must be a non-empty string, got <class"),
    ],
)
def test_a_route_takes_names_and_queues_alone(app, inbox, routes, complaint):
    with pytest.raises(ConfigurationError) as raised:
        consume(app, *routes, handler=inbox)
    assert str(raised.value).startswith(complaint)
