"""put(): what reaches the queue, and what a publisher is told when it does not."""

import asyncio
import json
import logging
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from threading import Thread

import aio_pika
import pytest
from aiormq.exceptions import ChannelClosed
from pamqp.constants import DOMAIN_REGEX

from asyncworker import RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import (
    AMQPConnection,
    NotSerializable,
    PublishError,
    PublishRejected,
    PublishTimeout,
    Unroutable,
)
from asyncworker.rabbitmq.errors import broker_errors
from asyncworker.rabbitmq.outgoing import outgoing
from scripts.rabbitmq import version_of
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.usefixtures("path")


@pytest.fixture
async def connection(amqp_url):
    async with AMQPConnection(url=amqp_url) as connection:
        yield connection


@pytest.fixture
def get(admin):
    async def get(queue):
        found = await admin.get_queue(queue)
        return await found.get(no_ack=True)

    return get


@pytest.mark.parametrize("body", [{}, [], 0, None, "", False, {"dog": "Xablau"}, [1, {"a": None}]])
async def test_publishes_any_json_value(connection, queue, get, body):
    await connection.put(body=body, routing_key=queue)

    message = await get(queue)
    assert json.loads(message.body) == body
    assert message.content_type == "application/json"
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT


@pytest.mark.parametrize("body", [b"", b"\xff\x00", bytearray(b"ab"), memoryview(b"cd")])
async def test_publishes_bytes_as_they_are(connection, queue, get, body):
    await connection.put(body=body, routing_key=queue)

    message = await get(queue)
    assert message.body == bytes(body)
    assert message.content_type == "application/octet-stream"


async def test_publishes_headers_and_properties(connection, queue, get):
    properties = {"message_id": "m-1", "priority": 3, "content_type": "text/x", "headers": {"a": 1}}
    await connection.put(
        body=b"x", routing_key=queue, headers={"b": [True, "c"]}, properties=properties
    )

    message = await get(queue)
    assert (message.message_id, message.priority, message.content_type) == ("m-1", 3, "text/x")
    assert message.headers == {"a": 1, "b": [True, "c"]}


async def test_data_is_the_older_name_of_body(connection, queue, get):
    await connection.put(data={}, routing_key=queue)
    assert (await get(queue)).body == b"{}"


async def test_publishes_to_an_exchange(connection, queue, get, admin):
    exchange = await admin.declare_exchange("test-fanout", "fanout", auto_delete=True)
    await (await admin.get_queue(queue)).bind(exchange)
    await connection.put(body=1, exchange="test-fanout")
    assert (await get(queue)).body == b"1"


async def test_a_message_that_no_queue_takes_is_unroutable(connection):
    with pytest.raises(Unroutable, match=r"exchange '', routing key 'nowhere': NO_ROUTE"):
        await connection.put(body=1, routing_key="nowhere")


async def test_a_message_that_need_not_arrive_may_go_nowhere(connection):
    await connection.put(body=1, routing_key="nowhere", mandatory=False)


async def test_a_missing_exchange_is_unroutable_and_disturbs_no_other_publisher(
    connection, queue, depth
):
    bad = [connection.put(body=1, exchange="missing", routing_key="k") for _ in range(20)]
    good = [connection.put(body=1, routing_key=queue) for _ in range(20)]
    results = await asyncio.gather(*bad, *good, return_exceptions=True)

    assert all(isinstance(result, Unroutable) for result in results[:20])
    assert "no exchange 'missing' in vhost '/'" in str(results[0])
    assert results[20:] == [None] * 20
    assert await depth(queue) == 20


async def test_a_full_queue_rejects(connection, declare):
    full = await declare(**{"x-max-length": 1, "x-overflow": "reject-publish"})
    await connection.put(body=1, routing_key=full)
    with pytest.raises(PublishRejected, match="full queue"):
        await connection.put(body=2, routing_key=full)


async def test_what_the_broker_refuses_is_rejected_in_its_own_words(connection, queue, depth):
    with pytest.raises(PublishRejected, match="invalid expiration"):
        await connection.put(body=1, routing_key=queue, properties={"expiration": "soon"})
    await connection.put(body=1, routing_key=queue)
    assert await depth(queue) == 1


async def test_says_how_large_a_body_may_be(private_node):
    most = (128 if version_of(private_node.url) < (4,) else 16) * 2**20
    async with AMQPConnection(url=private_node.url) as connection:
        with pytest.raises(PublishRejected) as raised:
            await connection.put(body=b"x" * (most + 1), routing_key="q", timeout=60)
    assert str(raised.value) == (
        f"exchange '', routing key 'q': the body has {most + 1} bytes, this broker takes {most} "
        "at most: raise max_message_size in its rabbitmq.conf, or send less"
    )


async def test_says_that_nothing_was_sent_when_there_is_no_broker():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        connection = AMQPConnection(host, "guest", "s3cret")
        with pytest.raises(PublishTimeout) as raised:
            await connection.put(body=1, routing_key="q", timeout=1)
    assert (
        f"not published within 1 s to exchange '', routing key 'q': cannot connect to amqp://guest@{host}"
        in str(raised.value)
    )
    assert "s3cret" not in str(raised.value)
    await connection.close()


async def test_says_that_the_outcome_is_unknown_when_no_confirm_came(private_node):
    async with AMQPConnection(url=private_node.url) as connection:
        await connection.put(body=1, routing_key="q", mandatory=False)
        private_node.pause()
        try:
            with pytest.raises(PublishTimeout, match="it is unknown whether the broker has"):
                await connection.put(body=1, routing_key="q", mandatory=False, timeout=1)
        finally:
            private_node.resume()
        await connection.put(body=1, routing_key="q", mandatory=False)


class Opaque:
    def __repr__(self):
        return "Opaque()"


def circle():
    ring = []
    ring.append(ring)
    return ring


@pytest.mark.parametrize("body", [Opaque(), {"a": Opaque()}, circle()], ids=["a", "b", "circle"])
async def test_refuses_a_body_that_has_no_json_form(connection, body):
    with pytest.raises(NotSerializable, match="body has no JSON form"):
        await connection.put(body=body, routing_key="q")


A_VALUE = "a string, a number .whole ones of up to 64 bits., a bool, None, .*, got "


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"good": 1, "a": Opaque()}, f"header 'a' must be {A_VALUE}a Opaque"),
        ({"a": b"bytes"}, f"header 'a' must be {A_VALUE}a bytes of length 5"),
        ({"a": "secret\ud800"}, f"header 'a' must be {A_VALUE}a str of length 7"),
        ({"a": 2**64}, f"header 'a' must be {A_VALUE}18446744073709551616"),
        ({"a": datetime(1, 1, 1, tzinfo=UTC)}, f"header 'a' must be {A_VALUE}a datetime"),
        ({"a": [1, {"b": {"c": {2}}}]}, f"header 'a.b.c' must be {A_VALUE}a set"),
        ({1: 2}, "the name of a header must be a string of up to 128 bytes, got 1"),
        ({"é" * 65: 2}, "the name of a header must be .*, got a str of length 65"),
        ({"a": {1: 2}}, "the name of a header in 'a' must be a string of up to 128 bytes, got 1"),
        ({"a": [{"b" * 129: 2}]}, "the name of a header in 'a' must be .* of length 129"),
        ({"a": circle()}, "headers or properties have no AMQP form"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_tells_which_header_has_no_form_and_what_it_must_be(connection, headers, message):
    with pytest.raises(NotSerializable, match=f"^{message}$"):
        await connection.put(1, "q", headers=headers)
    with pytest.raises(NotSerializable, match=f"^{message}$"):
        await connection.put(1, "q", properties={"headers": headers})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("priority", "high", "a whole number from 0 to 255, got a str of length 4"),
        ("priority", 1000, "a whole number from 0 to 255, got 1000"),
        ("delivery_mode", 3, "1 or 2, got 3"),
        ("expiration", 10, "a string of digits, which are milliseconds, got 10"),
        ("timestamp", 5, "a datetime, got 5"),
        ("message_id", 7, "a string of up to 255 bytes, got 7"),
        ("message_id", "x" * 256, "a string of up to 255 bytes, got a str of length 256"),
        ("correlation_id", b"7", "a string of up to 255 bytes, got a bytes of length 1"),
        ("cluster_id", "x", "left out, got a str of length 1"),
    ],
)
async def test_tells_which_property_has_no_form_and_what_it_must_be(
    connection, name, value, wanted
):
    with pytest.raises(NotSerializable) as caught:
        await connection.put(1, "q", properties={"app_id": "shop", name: value})
    assert str(caught.value) == f"property {name!r} must be {wanted}"


async def test_refuses_headers_that_no_frame_can_hold_and_takes_the_largest(connection, queue, get):
    """The broker would end the connection, with all who publish by it, each time they are sent."""
    await connection.put(body=0, routing_key=queue)
    await get(queue)
    underlay = connection.publisher("/")._channel.underlay
    largest = underlay.connection.connection_tune.frame_max - 8
    properties = {"message_id": "m"}
    around = 12 + len(outgoing_header({"a": ""}, properties))
    too_large = rf"take {largest + 1} bytes, this broker takes {largest} at most: say it"
    with pytest.raises(NotSerializable, match=too_large):
        headers = {"a": "x" * (largest - around + 1)}
        await connection.put(body=0, routing_key=queue, headers=headers, properties=properties)
    headers = {"a": "x" * (largest - around)}
    await connection.put(body=1, routing_key=queue, headers=headers, properties=properties)

    message = await get(queue)
    assert message.headers == headers
    assert connection.publisher("/")._channel.underlay is underlay


def outgoing_header(headers, properties):
    message = outgoing(
        body=1,
        routing_key="q",
        exchange="",
        headers=headers,
        properties=properties,
        mandatory=True,
    )
    return message.header


@pytest.mark.parametrize("name", ["jobs;v2", "ação"])
async def test_publishes_by_names_that_the_library_does_not_take(connection, path, admin, name):
    """Where messages go through the library, that fails at once."""

    @contextmanager
    def any_name():
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(DOMAIN_REGEX, "exchange-name", re.compile(".*"))
            yield

    with any_name():
        await admin.declare_exchange(name, "fanout")
    if path == "library":
        with pytest.raises(NotSerializable, match=name):
            await connection.put(body=1, exchange=name, mandatory=False)
    else:
        await connection.put(body=1, exchange=name, mandatory=False)
    with any_name():
        await admin.exchange_delete(name)


@pytest.mark.parametrize(
    ("exchange", "headers", "mandatory"),
    [
        ("orders", {"x-delay": 5000}, False),
        ("orders", {"x-delay": 0}, True),
        # As one has that was held back.
        ("orders", {"x-delay": -5000}, True),
        ("orders", {"x-delay": "soon"}, True),
        ("orders", {}, True),
        ("", {"x-delay": 5000}, True),
    ],
)
def test_what_an_exchange_holds_back_cannot_be_mandatory(exchange, headers, mandatory):
    """The plugin that delays messages has the broker return each as if no queue took it."""
    for given in ({"headers": headers}, {"properties": {"headers": headers}}):
        given = {"headers": None, "properties": None} | given
        message = outgoing(body=1, routing_key="q", exchange=exchange, mandatory=True, **given)
        assert message.mandatory is mandatory


async def test_another_thread_may_begin_to_publish_at_any_moment(connection):
    async def ask():
        return connection.publisher("/")

    class ClosedLoop:
        def is_closed(self):
            other.start()
            # As far as it comes.
            other.join(0.2)
            return True

    asked = []
    other = Thread(target=lambda: asked.append(asyncio.run(ask())))
    connection._publishers[ClosedLoop()] = {}
    own = connection.publisher("/")
    await asyncio.to_thread(other.join)
    assert own is connection.publisher("/")
    assert len({own, *asked}) == 2


def test_publishes_from_several_threads_at_once(connection):
    async def publish():
        await connection.put(body=1, routing_key="nowhere", mandatory=False)
        await connection.close()

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(asyncio.run, publish()) for _ in range(8)]:
            done.result()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"routing_key": "q"}, r"put\(\) needs body= or data=, got neither"),
        ({"body": 1, "data": 1, "routing_key": "q"}, r"put\(\) needs body= or data=, got both"),
        ({"body": 1}, r"put\(\) needs routing_key= \(a queue's name\), exchange= or both"),
        ({"body": 1, "routing_key": 7}, "routing_key must be a string, got 7"),
        ({"body": 1, "exchange": None}, "exchange must be a string, got None"),
        ({"body": 1, "routing_key": "q" * 256}, "routing_key is longer than 255 bytes"),
        ({"body": 1, "routing_key": "q", "timeout": 0}, "timeout must be a number of seconds"),
        ({"body": 1, "routing_key": "q", "timeout": None}, "timeout must be a number of seconds"),
        ({"body": 1, "routing_key": "q", "vhost": ""}, "vhost must be a non-empty string"),
        (
            {"body": 1, "routing_key": "q", "properties": {"mesage_id": 1}},
            "properties take no 'mesage_id': did you mean message_id",
        ),
        ({"body": 1, "queue": "q"}, r"put\(\) takes no 'queue': a queue's name is its routing_key"),
        (
            {"body": 1, "routing_key": "q", "header": {}},
            r"put\(\) takes no 'header': did you mean headers\?",
        ),
        ({"body": 1, "routing_key": "q", "headers": [1]}, r"headers must be a dict, got \[1\]"),
        ({"body": 1, "routing_key": "q", "properties": 1}, "properties must be a dict, got 1"),
        (
            {"body": 1, "routing_key": "q", "properties": {"headers": 1}},
            r"properties\['headers'\] must be a dict, got 1",
        ),
    ],
)
async def test_names_the_argument_that_is_wrong(connection, arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        await connection.put(**arguments)


async def test_every_error_of_put_is_a_publish_error():
    for error in (Unroutable, PublishRejected, PublishTimeout, NotSerializable):
        assert issubclass(error, PublishError)
    assert issubclass(PublishTimeout, TimeoutError)


async def test_opens_one_connection_for_each_vhost_however_many_ask_at_once(private_node):
    await asyncio.to_thread(private_node.add_vhost, "b")
    async with AMQPConnection(url=private_node.url, name="counted") as connection:
        await asyncio.gather(
            *(
                connection.put(body=1, routing_key="q", vhost=vhost, mandatory=False)
                for vhost in ("/", "b") * 50
            )
        )
        listed = await asyncio.to_thread(
            private_node.ctl, "list_connections", "vhost", "client_properties"
        )
    mine = [row.split("\t")[0] for row in listed.splitlines() if '"counted"' in row]
    assert sorted(mine) == ["/", "b"]


async def test_publishes_again_what_was_not_confirmed_when_the_connection_was_lost(
    private_node, limit
):
    """Closing connections again and again, while 2,000 messages go out, loses none."""
    url = private_node.url
    async with await aio_pika.connect(url) as admin, admin.channel() as channel:
        await channel.declare_queue("unconfirmed", durable=True)
    async with AMQPConnection(url=url) as connection:
        done = asyncio.Event()

        async def cut():
            while not done.is_set():
                await asyncio.to_thread(private_node.ctl, "close_all_connections", "on purpose")

        async def publish(worker):
            for number in range(100):
                body = worker * 100 + number
                await connection.put(body=body, routing_key="unconfirmed", timeout=limit)

        async with asyncio.TaskGroup() as group:
            group.create_task(cut())
            publishers = [group.create_task(publish(worker)) for worker in range(20)]
            await asyncio.wait(publishers)
            done.set()

    async with await aio_pika.connect(url) as admin, admin.channel() as channel:
        queue = await channel.get_queue("unconfirmed")
        found = set()
        while message := await queue.get(no_ack=True, fail=False):
            found.add(int(message.body))
        await queue.delete()
    assert found == set(range(2000))


async def test_works_before_during_and_after_a_run(app, connection, queue, depth, inbox):
    @app.run_on_startup
    async def before(app):
        await app["rabbitmq_connection"].put(body="before", routing_key=queue)

    @app.run_on_shutdown
    async def after(app):
        await app[RouteTypes.AMQP_RABBITMQ]["connection"].put(body="after", routing_key=queue)

    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    await connection.put(body="first", routing_key=queue)
    async with app.started():
        await connection.put(body="during", routing_key=queue)
        assert await inbox.bodies(3) == ["before", "during", "first"]
    await connection.put(body="last", routing_key=queue)

    assert await depth(queue) == 2


def test_works_on_one_event_loop_after_another(amqp_url):
    connection = AMQPConnection(url=amqp_url)

    async def publish():
        await connection.put(body=1, routing_key="nowhere", mandatory=False)
        await connection.close()

    for _ in range(3):
        asyncio.run(publish())


async def test_forgets_exchanges_rather_than_remember_without_bound(connection, monkeypatch, admin):
    monkeypatch.setattr("asyncworker.rabbitmq.publisher.MAX_KNOWN", 2)
    names = [f"test-known-{number}" for number in range(5)]
    for name in names:
        await admin.declare_exchange(name, "fanout", auto_delete=False)
    await asyncio.gather(
        *(connection.put(body=1, exchange=name, mandatory=False) for name in names * 3)
    )
    for name in names:
        await admin.exchange_delete(name)


async def test_a_refused_message_does_not_take_others_with_it(connection, queue, get):
    bad = [
        connection.put(body="bad", routing_key=queue, properties={"expiration": "soon"})
        for _ in range(3)
    ]
    good = [connection.put(body=number, routing_key=queue) for number in range(20)]
    results = await asyncio.gather(*good[:10], *bad, *good[10:], return_exceptions=True)

    assert [type(result) for result in results[10:13]] == [PublishRejected] * 3
    assert results[:10] + results[13:] == [None] * 20
    found = set()
    while len(found) < 20:
        found.add(int((await get(queue)).body))


@pytest.mark.parametrize("guilty", ["invalid", "forbidden", "without exchange"])
async def test_of_many_in_flight_on_a_slow_link_only_the_refused_ones_fail(private_node, guilty):
    """Asked about one after the other, all would take longer than they have."""
    arguments, error, count = {
        "invalid": ({"properties": {"expiration": "soon"}}, PublishRejected, 1),
        "forbidden": ({"exchange": "test-internal"}, PublishRejected, 20),
        "without exchange": ({"exchange": "test-gone"}, Unroutable, 20),
    }[guilty]
    async with (
        await aio_pika.connect(private_node.url) as admin,
        admin.channel() as channel,
        Proxy.to(private_node.port) as proxy,
        AMQPConnection(f"127.0.0.1:{proxy.port}") as connection,
    ):
        await channel.declare_queue("many", auto_delete=True)
        await channel.declare_exchange("test-internal", internal=True, auto_delete=True)
        await channel.declare_exchange("test-gone")
        await connection.put(body=0, exchange="test-gone", mandatory=False)
        await channel.exchange_delete("test-gone")
        proxy.delay = 0.05
        results = await asyncio.gather(
            *(
                connection.put(
                    body=number,
                    routing_key="many",
                    **(arguments if number % (300 // count) == 7 else {}),
                )
                for number in range(300)
            ),
            return_exceptions=True,
        )
        await channel.exchange_delete("test-internal")
        await channel.queue_delete("many")
    expected = [error if number % (300 // count) == 7 else type(None) for number in range(300)]
    assert [type(result) for result in results] == expected


@pytest.mark.parametrize("which", ["all publish on", "one publishes on alone", "asks on"])
async def test_a_channel_that_ends_without_a_reason_refuses_nothing(
    connection, queue, depth, monkeypatch, which
):
    """As one does to which the broker says what it had to say to another of its number."""
    refused = {"body": 0, "routing_key": queue, "properties": {"expiration": "soon"}}
    await connection.put(body=0, exchange="amq.fanout", mandatory=False)
    both = connection.put(**refused), connection.put(body=0, routing_key=queue)
    await asyncio.gather(*both, return_exceptions=True)
    await connection.put(body=0, routing_key=queue)
    publisher = connection.publisher("/")
    owner, name = {
        "all publish on": (publisher._channel, "publish"),
        "one publishes on alone": (publisher._alone._idle[0], "publish"),
        "asks on": (publisher._probe._idle[0].underlay, "rpc"),
    }[which]
    ended = []

    async def end(*arguments):
        monkeypatch.undo()
        with broker_errors():
            ended.append(True)
            raise ChannelClosed(None, None)

    monkeypatch.setattr(owner, name, end)
    both = connection.put(**refused), connection.put(body=1, routing_key=queue)
    results = await asyncio.gather(*both, return_exceptions=True)
    await connection.put(body=1, exchange="amq.direct", mandatory=False)

    assert "invalid expiration" in str(results[0])
    assert results[1] is None
    assert ended == [True]


async def test_what_a_publisher_opens_has_nothing_of_the_context_of_a_handler(connection, queue):
    """What the library writes to its log as it reads and writes could name another's request."""
    request = ContextVar("request", default="none")
    seen = set()

    class Log(logging.Handler):
        def emit(self, record):
            seen.add(request.get())

    log, library = Log(), logging.getLogger("aiormq")
    library.addHandler(log)
    library.setLevel(logging.DEBUG)
    try:
        request.set("a handler's")
        await connection.put(body=0, routing_key=queue)
        with pytest.raises(Unroutable):
            await connection.put(body=0, exchange="missing", routing_key=queue)
        request.set("another's")
        await connection.close()
    finally:
        library.setLevel(logging.NOTSET)
        library.removeHandler(log)
    assert "none" in seen
    assert "a handler's" not in seen


async def test_an_exchange_deleted_after_its_first_use_is_unroutable(connection, admin):
    await admin.declare_exchange("test-deleted", "fanout")
    await connection.put(body=1, exchange="test-deleted", mandatory=False)
    await admin.exchange_delete("test-deleted")
    with pytest.raises(Unroutable, match="no exchange 'test-deleted'"):
        await connection.put(body=1, exchange="test-deleted", mandatory=False)
