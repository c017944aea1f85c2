"""put_many(): all in flight at once, and what became of each."""

import asyncio
import json

import aio_pika
import pytest

from asyncworker import codecs
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import (
    AMQPConnection,
    Message,
    NotSerializable,
    PublishRejected,
    PublishTimeout,
    Unroutable,
)
from asyncworker.rabbitmq.publishing import header
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.usefixtures("path")


async def taken_from(admin, queue):
    found = await admin.get_queue(queue)
    bodies = []
    while message := await found.get(no_ack=True, fail=False):
        bodies.append(json.loads(message.body))
    return bodies


def kinds(group):
    return {error.message.body: type(error) for error in group.value.exceptions}


async def test_publishes_all_in_their_order(connection, queue, admin):
    await connection.put_many([Message(number, queue) for number in range(300)])
    assert await taken_from(admin, queue) == list(range(300))


async def test_publishes_an_iterable_and_nothing_when_there_is_none(connection, queue, admin):
    await connection.put_many([])
    await connection.put_many(Message(number, queue) for number in range(3))
    assert await taken_from(admin, queue) == [0, 1, 2]


async def test_each_goes_to_its_own_exchange_as_a_message_of_its_own(connection, queue, admin, get):
    exchange = await admin.declare_exchange("test-many", "fanout", auto_delete=True)
    await (await admin.get_queue(queue)).bind(exchange)
    same = Message("x", exchange="test-many")
    await connection.put_many([Message(b"\x00", queue, headers={"a": 1}), same, same])

    first, *others = [await get(queue) for _ in range(3)]
    assert (first.body, first.headers) == (b"\x00", {"a": 1})
    assert first.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert [one.exchange for one in others] == ["test-many"] * 2
    assert others[0].message_id != others[1].message_id


async def test_bodies_of_many_frames_go_as_others_do(connection, queue, get):
    bodies = [b"x" * 300_000, b"", b"y" * 131_064]
    await connection.put_many([Message(body, queue) for body in bodies])
    assert [(await get(queue)).body for _ in bodies] == bodies


async def test_those_that_differ_in_all_but_the_queue_go_as_they_are(connection, queue, get):
    expected = [
        (b"x" * size, kind, mandatory)
        for size in (0, 1, 131_064, 131_065)
        for kind in (None, "a", "longer")
        for mandatory in (True, False)
    ]
    messages = [
        Message(body, queue, type=kind, mandatory=mandatory) for body, kind, mandatory in expected
    ]
    await connection.put_many(messages)
    found = [await get(queue) for _ in expected]
    assert [(one.body, one.type) for one in found] == [one[:2] for one in expected]


async def test_every_message_has_an_id_of_its_own_and_the_moment(
    connection, queue, get, monkeypatch
):
    """A moment with a percent sign among its bytes, 2009-12-13 23:22:13."""
    monkeypatch.setattr(header, "now", lambda: (0x4B257825).to_bytes(8))
    for _ in range(2):
        await connection.put_many([Message(number, queue) for number in range(20)])
    found = [await get(queue) for _ in range(40)]
    assert len({one.message_id for one in found}) == 40
    assert {len(one.message_id) for one in found} == {32}
    assert {one.timestamp.timestamp() for one in found} == {0x4B257825}


async def test_tells_of_each_message_what_became_of_it_after_all_are_answered(
    connection, declare, depth, admin
):
    full = await declare(**{"x-max-length": 0, "x-overflow": "reject-publish"})
    queue = await declare()
    bad = {3: "nowhere", 5: full}
    expected = {3: Unroutable, 5: PublishRejected, 7: Unroutable}
    messages = [Message(number, bad.get(number, queue)) for number in range(20)]
    messages[7] = Message(7, "key", "test-missing")
    with pytest.raises(ExceptionGroup) as raised:
        await connection.put_many(messages)

    assert kinds(raised) == expected
    assert [error.message for error in raised.value.exceptions] == [
        messages[place] for place in expected
    ]
    assert str(raised.value).startswith("not published, or not for certain: 3 of 20")
    texts = [str(error) for error in raised.value.exceptions]
    assert texts[0] == "messages[3]: exchange '', routing key 'nowhere': NO_ROUTE"
    assert texts[1].startswith(f"messages[5]: exchange '', routing key '{full}': the broker refus")
    assert texts[2].startswith("messages[7]: exchange 'test-missing', routing key 'key': NOT_FOUND")
    expected_bodies = [number for number in range(20) if number not in expected]
    assert await taken_from(admin, queue) == expected_bodies


async def test_what_the_broker_refuses_takes_no_other_with_it(connection, queue, admin):
    messages = [Message(number, queue) for number in range(50)]
    for number in range(7, 50, 10):
        messages[number] = Message(number, queue, properties={"expiration": "soon"})
    await connection.put_many(messages[:5])
    with pytest.raises(ExceptionGroup) as raised:
        await connection.put_many(messages[5:])
    assert kinds(raised) == dict.fromkeys(range(7, 50, 10), PublishRejected)
    assert "invalid expiration" in str(raised.value.exceptions[0])
    found = await taken_from(admin, queue)
    assert set(found) == {number for number in range(50) if number % 10 != 7}


async def test_nothing_is_published_when_one_has_no_form(connection, queue, depth):
    bodies = [1, object(), 2, object()]
    messages = [Message(body, queue) for body in bodies]
    with pytest.raises(ExceptionGroup) as raised:
        await connection.put_many(messages)

    assert [error.message for error in raised.value.exceptions] == messages[1::2]
    assert all(isinstance(error, NotSerializable) for error in raised.value.exceptions)
    assert "none was published, as these have no form on the wire: 2 of 4" in str(raised.value)
    assert str(raised.value.exceptions[0]).startswith("messages[1]: body has no JSON form")
    assert await depth(queue) == 0


async def test_headers_too_large_for_the_broker_fail_alone(connection, queue, depth):
    large = Message(2, queue, headers={"a": "x" * 140_000})
    with pytest.raises(ExceptionGroup) as raised:
        await connection.put_many([Message(1, queue), large, Message(3, queue)])
    assert kinds(raised) == {2: NotSerializable}
    assert "headers and properties take" in str(raised.value.exceptions[0])
    assert await depth(queue) == 2


async def test_encodes_bodies_by_the_codec_of_the_connection(amqp_url, queue, get):
    async with AMQPConnection(url=amqp_url, codec=codecs.TEXT) as connection:
        await connection.put_many([Message("ação", queue)])
    assert (await get(queue)).body == "ação".encode()


async def test_publishes_to_another_vhost(private_node):
    await asyncio.to_thread(private_node.add_vhost, "many")
    async with AMQPConnection(url=private_node.url) as connection:
        with pytest.raises(ExceptionGroup, match="not published") as raised:
            await connection.put_many([Message(1, "q", "test-gone")], vhost="many")
    assert "in vhost 'many'" in str(raised.value.exceptions[0])


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (None, r"put_many\(\) takes a list of Messages, got None"),
        ("orders", r"put_many\(\) takes a list of Messages, got 'orders'"),
        ({"a": 1}, r"put_many\(\) takes a list of Messages, got {'a': 1}"),
        (Message(1, "q"), r"put_many\(\) takes a list of Messages, got Message\("),
        ([Message(1, "q"), {"a": 1}], r"messages\[1\] must be a Message, got {'a': 1}"),
        ([Message(1, "q"), Message(2)], r"messages\[1\]: put\(\) needs routing_key="),
        ([Message(1, "q" * 256)], r"messages\[0\]: routing_key is longer than 255 bytes"),
    ],
)
async def test_names_what_is_wrong_with_the_list(connection, messages, reason):
    with pytest.raises(ConfigurationError, match=reason):
        await connection.put_many(messages)


async def test_names_what_is_wrong_beside_the_list(connection):
    with pytest.raises(ConfigurationError, match="timeout must be a number of seconds"):
        await connection.put_many([Message(1, "q")], timeout=0)
    with pytest.raises(ConfigurationError, match="vhost must be a non-empty string"):
        await connection.put_many([Message(1, "q")], vhost="")


async def test_says_of_each_that_nothing_was_sent_when_there_is_no_broker(unused_tcp_port):
    async with AMQPConnection(f"127.0.0.1:{unused_tcp_port}") as connection:
        with pytest.raises(ExceptionGroup) as raised:
            await connection.put_many([Message(number, "q") for number in range(3)], timeout=1)
    assert kinds(raised) == dict.fromkeys(range(3), PublishTimeout)
    assert str(raised.value.exceptions[2]).startswith(
        "messages[2]: not published within 1 s to exchange '', routing key 'q': cannot connect"
    )


async def test_says_of_each_that_its_outcome_is_unknown_when_no_confirm_came(private_node):
    async with AMQPConnection(url=private_node.url) as connection:
        await connection.put(0, "q", mandatory=False)
        private_node.pause()
        try:
            with pytest.raises(ExceptionGroup) as raised:
                await connection.put_many(
                    [Message(number, "q", mandatory=False) for number in range(5)], timeout=1
                )
        finally:
            private_node.resume()
        assert kinds(raised) == dict.fromkeys(range(5), PublishTimeout)
        assert "it is unknown whether the broker has" in str(raised.value.exceptions[4])
        await connection.put_many([Message(0, "q", mandatory=False)])


async def test_publishes_again_what_was_not_confirmed_when_the_connection_was_lost(
    private_node, limit
):
    """With its own id each time, so that those who get one twice can know."""
    async with (
        await aio_pika.connect(private_node.url) as admin,
        admin.channel() as channel,
        Proxy.to(private_node.port) as proxy,
        AMQPConnection(f"127.0.0.1:{proxy.port}") as connection,
    ):
        queue = await channel.declare_queue("many-again", durable=True)
        await connection.put_many([Message(0, "many-again")])
        messages = [Message(number, "many-again") for number in range(1, 501)]
        proxy.delay = 1
        put = asyncio.ensure_future(connection.put_many(messages, timeout=limit))
        while (await queue.declare()).message_count < 2:
            assert not put.done()
        # The broker has them, and its confirms are under way.
        proxy.cut()
        proxy.delay = 0
        await put
        assert proxy.connections == 2
        ids = {}
        while message := await queue.get(no_ack=True, fail=False):
            ids.setdefault(int(message.body), set()).add(message.message_id)
        await queue.delete()
    assert ids.keys() == set(range(501))
    assert {len(those) for those in ids.values()} == {1}


async def test_holds_no_more_than_is_written_of_what_the_broker_does_not_read(private_node, path):
    async with AMQPConnection(url=private_node.url) as connection:
        await connection.put(0, "q", mandatory=False)
        channel = connection.publisher("/")._channel
        private_node.pause()
        try:
            with pytest.raises(ExceptionGroup) as raised:
                await connection.put_many(
                    [Message(bytes(100_000), "q", mandatory=False) for _ in range(100)],
                    timeout=1,
                )
            assert {type(error) for error in raised.value.exceptions} == {PublishTimeout}
            assert len(raised.value.exceptions) == 100
            if path == "wire":
                assert channel._confirms._wire.writer.transport.get_write_buffer_size() < 300_000
                assert channel._confirms._waiting == {}
        finally:
            private_node.resume()
        await connection.put(1, "q", mandatory=False)


async def test_a_cancelled_one_leaves_nothing_behind(connection, queue, path):
    await connection.put(0, queue)
    puts = [
        asyncio.ensure_future(connection.put_many([Message(number, queue)] * 50))
        for number in range(2)
    ]
    await asyncio.sleep(0)
    puts[0].cancel()
    results = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError, type(None)]
    if path != "library":
        assert connection.publisher("/")._channel._confirms._waiting == {}
    await connection.put(0, queue)
