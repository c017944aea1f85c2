"""put(): what reaches the queue, and what a publisher is told when it does not."""

import asyncio
import json
import logging
import re
import socket
from contextlib import contextmanager
from contextvars import ContextVar

import aio_pika
import pytest
from pamqp.constants import DOMAIN_REGEX

from asyncworker import RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import (
    AMQPConnection,
    Message,
    NotSerializable,
    PublishError,
    PublishRejected,
    PublishTimeout,
    Unroutable,
)
from asyncworker.rabbitmq.publishing.encoding import encoded
from scripts.rabbitmq.probe import version_of

pytestmark = pytest.mark.usefixtures("path")


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
        message = encoded(body=1, routing_key="q", exchange=exchange, mandatory=True, **given)
        assert message.mandatory is mandatory


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"routing_key": "q"}, r"put\(\) needs body= or data=, got neither"),
        ({"body": 1, "data": 1, "routing_key": "q"}, r"put\(\) needs body= or data=, got both"),
        ({"body": Message(1, "q")}, r"put\(\) takes the parts .*: publish it by put_many\(\)"),
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
    monkeypatch.setattr("asyncworker.rabbitmq.publishing.publisher.MAX_KNOWN", 2)
    names = [f"test-known-{number}" for number in range(5)]
    for name in names:
        await admin.declare_exchange(name, "fanout", auto_delete=False)
    await asyncio.gather(
        *(connection.put(body=1, exchange=name, mandatory=False) for name in names * 3)
    )
    for name in names:
        await admin.exchange_delete(name)


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
