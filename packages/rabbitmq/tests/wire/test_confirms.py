"""Answers of the broker, tied to what was published, with many messages in flight."""

import asyncio
import random
from datetime import UTC, datetime

import pytest

from asyncworker.rabbitmq import (
    AMQPConnection,
    Message,
    PublishRejected,
    PublishTimeout,
    Unroutable,
)
from asyncworker.rabbitmq.amqp.frames import ACK, RETURN
from asyncworker.rabbitmq.wire.wire import HIGH_WATER


@pytest.fixture
async def connection(amqp_url):
    async with AMQPConnection(url=amqp_url) as connection:
        yield connection


def confirms_of(connection):
    (publishers,) = connection._publishers.values()
    return publishers["/"]._channel._confirms


async def test_tells_each_of_many_publishers_in_flight_what_became_of_its_own_message(
    connection, declare, depth
):
    """Taken, returned and refused ones are mixed, and all of them have the same message id."""
    full = await declare(**{"x-max-length": 0, "x-overflow": "reject-publish"})
    queue = await declare()
    expected = {queue: type(None), "nowhere": Unroutable, full: PublishRejected}
    keys = random.Random(7).choices(list(expected), k=600)
    results = await asyncio.gather(
        *(
            connection.put(
                body=number % 3, routing_key=key, properties={"message_id": "same"}, timeout=60
            )
            for number, key in enumerate(keys)
        ),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [expected[key] for key in keys]
    assert await depth(queue) == keys.count(queue)
    assert confirms_of(connection)._waiting == {}


async def test_tells_apart_returned_messages_that_differ_in_headers_alone(connection, admin, queue):
    exchange = await admin.declare_exchange("test-by-header", "headers", auto_delete=True)
    await (await admin.get_queue(queue)).bind(exchange, arguments={"x-match": "all", "to": 1})
    results = await asyncio.gather(
        *(
            connection.put(
                body=0,
                exchange="test-by-header",
                headers={"to": number % 2, "of": number // 10},
                properties={"message_id": "same"},
            )
            for number in range(100)
        ),
        return_exceptions=True,
    )
    assert [result is None for result in results] == [number % 2 == 1 for number in range(100)]


async def test_a_message_that_need_not_arrive_is_never_taken_for_a_returned_one(connection):
    results = await asyncio.gather(
        *(
            connection.put(
                body=0,
                routing_key="nowhere",
                mandatory=number % 2 == 0,
                properties={"message_id": "same"},
            )
            for number in range(100)
        ),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [Unroutable, type(None)] * 50


@pytest.mark.parametrize("size", [0, 1, 131_063, 131_064, 131_065, 262_128, 1_000_001])
async def test_publishes_bodies_of_any_size(connection, queue, admin, size):
    body = random.Random(size).randbytes(size)
    await connection.put(body=body, routing_key=queue)
    message = await (await admin.get_queue(queue)).get(no_ack=True)
    assert message.body == body


async def test_publishers_that_are_cancelled_leave_nothing_behind(connection, queue, depth):
    await connection.put(body=0, routing_key=queue)
    puts = [
        asyncio.ensure_future(connection.put(body=number, routing_key=queue))
        for number in range(100)
    ]
    await asyncio.sleep(0)
    confirms = confirms_of(connection)
    assert len(confirms._waiting) == 100
    for put in puts[::2]:
        put.cancel()
    results = await asyncio.gather(*puts, return_exceptions=True)

    assert [type(result) for result in results] == [asyncio.CancelledError, type(None)] * 50
    assert confirms._waiting == {}
    await connection.put(body=0, routing_key=queue)


async def test_publishers_that_time_out_leave_nothing_behind_and_hold_no_more_than_is_written(
    private_node,
):
    """A broker that reads nothing: what it cannot take is not kept in memory either."""
    async with AMQPConnection(url=private_node.url) as connection:
        await connection.put(body=0, routing_key="q", mandatory=False)
        confirms = confirms_of(connection)
        transport = confirms._wire.writer.transport
        private_node.pause()
        try:
            results = await asyncio.gather(
                *(
                    connection.put(body=bytes(100_000), routing_key="q", timeout=0.5)
                    for _ in range(300)
                ),
                return_exceptions=True,
            )
            assert {type(result) for result in results} == {PublishTimeout}
            assert transport.get_write_buffer_size() < HIGH_WATER + 200_000
            assert confirms._waiting == {}
        finally:
            private_node.resume()
        await connection.put(body=1, routing_key="q", mandatory=False)


@pytest.mark.usefixtures("path")
async def test_says_that_the_outcome_is_unknown_while_the_broker_has_a_memory_alarm(private_node):
    async with AMQPConnection(url=private_node.url) as connection:
        await connection.put(body=0, routing_key="q", mandatory=False)
        await asyncio.to_thread(private_node.ctl, "set_vm_memory_high_watermark", "0.000001")
        try:
            with pytest.raises(PublishTimeout, match="it is unknown whether the broker has"):
                for _ in range(100):
                    await connection.put(body=1, routing_key="q", mandatory=False, timeout=1)
        finally:
            await asyncio.to_thread(private_node.ctl, "set_vm_memory_high_watermark", "0.9")
        await connection.put(body=2, routing_key="q", mandatory=False)


async def test_a_deadline_that_is_sooner_than_those_before_is_kept(private_node):
    async with AMQPConnection(url=private_node.url) as connection:
        await connection.put(body=0, routing_key="q", mandatory=False)
        private_node.pause()
        loop = asyncio.get_running_loop()
        try:
            later = asyncio.ensure_future(
                connection.put(body=0, routing_key="q", mandatory=False, timeout=60)
            )
            await asyncio.sleep(0)
            start = loop.time()
            with pytest.raises(PublishTimeout):
                await connection.put(body=0, routing_key="q", mandatory=False, timeout=1)
            assert 0.99 <= loop.time() - start < 30
            assert not later.done()
        finally:
            private_node.resume()
        await later


async def test_a_returned_message_to_which_the_broker_added_a_property_is_known(connection):
    await connection.put(body=0, routing_key="q", mandatory=False)
    confirms = confirms_of(connection)
    put = asyncio.ensure_future(connection.put(body=b"x", routing_key="nowhere"))
    await asyncio.sleep(0)
    ((number, answer),) = confirms._waiting.items()
    message = answer.message(number)
    confirms._on_answers(
        [
            (RETURN, b"\x01\x38\x08NO_ROUTE" + message.address, b"\x00\x00", b"other"),
            (RETURN, b"\x01\x38\x08NO_ROUTE" + message.address, b"\x00\x00", b"x"),
            (ACK, number.to_bytes(8, "big") + b"\x00", b"", b""),
        ]
    )
    with pytest.raises(Unroutable, match="NO_ROUTE"):
        await put


def returned(message):
    return RETURN, b"\x01\x38\x08NO_ROUTE" + message.address, message.header, message.body


def confirmed(number, *, multiple=False):
    return ACK, number.to_bytes(8, "big") + bytes([multiple]), b"", b""


async def test_tells_what_became_of_each_of_many_that_are_published_together(
    connection, declare, depth
):
    """Several such lists at a time, with single ones between; all have the same message id."""
    full = await declare(**{"x-max-length": 0, "x-overflow": "reject-publish"})
    queue = await declare()
    expected = {queue: None, "nowhere": Unroutable, full: PublishRejected}
    keys = random.Random(7).choices(list(expected), k=600)
    messages = [Message(number % 3, key, message_id="same") for number, key in enumerate(keys)]
    hundreds = (messages[at : at + 100] for at in range(0, 600, 100))
    publishing = [connection.put_many(hundred, timeout=60) for hundred in hundreds]
    single = [connection.put(0, "nowhere", message_id="same") for _ in range(6)]
    results = await asyncio.gather(
        *(one for pair in zip(publishing, single, strict=True) for one in pair),
        return_exceptions=True,
    )
    assert {type(result) for result in results[1::2]} == {Unroutable}
    errors = {id(error.message): error for group in results[::2] for error in group.exceptions}
    found = [errors.get(id(message)) for message in messages]
    assert [error and type(error) for error in found] == [expected[key] for key in keys]
    assert await depth(queue) == keys.count(queue)
    assert confirms_of(connection)._waiting == {}


async def test_tells_them_apart_when_others_are_published_before_all_are_written(
    connection, declare, depth
):
    """More than the broker reads at once: the numbers of those of one list are not in a row."""
    queue = await declare()
    body = bytes(50_000)
    lists = [
        [Message(body, queue if number % 3 else "nowhere") for number in range(40 + more)]
        for more in range(5)
    ]
    results = await asyncio.gather(
        *(connection.put_many(messages, timeout=60) for messages in lists), return_exceptions=True
    )
    for messages, group in zip(lists, results, strict=True):
        assert [error.message for error in group.exceptions] == messages[::3]
        assert {type(error) for error in group.exceptions} == {Unroutable}
    assert await depth(queue) == sum(len(messages) - len(messages[::3]) for messages in lists)
    assert confirms_of(connection)._waiting == {}


@pytest.mark.parametrize("way", ["cancelled", "timed out"])
async def test_a_late_return_of_many_that_nobody_waits_for_is_no_others(
    connection, monkeypatch, way
):
    await connection.put(body=0, routing_key="q", mandatory=False)
    confirms = confirms_of(connection)
    monkeypatch.setattr(confirms._wire, "write", lambda frames: None)
    same = Message(b"x", "nowhere", message_id="same", timestamp=datetime(2024, 1, 1, tzinfo=UTC))
    first = asyncio.ensure_future(connection.put_many([same] * 3))
    await asyncio.sleep(0)
    numbers = list(confirms._waiting)
    message = confirms._waiting[numbers[0]].message(numbers[0])
    # One of them is answered before.
    confirms._on_answers([returned(message), confirmed(numbers[0])])
    if way == "cancelled":
        first.cancel()
    else:
        for number in numbers[1:]:
            confirms._waiting[number].deadline = 0.0
        confirms._expire()
    (ended,) = await asyncio.gather(first, return_exceptions=True)
    assert confirms._waiting == {}
    others = asyncio.ensure_future(connection.put_many([same] * 2))
    await asyncio.sleep(0)
    confirms._on_answers(
        [
            *[returned(message)] * 3,
            confirmed(numbers[2]),
            confirmed(numbers[2] + 2, multiple=True),
        ]
    )
    with pytest.raises(ExceptionGroup) as raised:
        await others
    (error,) = raised.value.exceptions
    assert "messages[0]: exchange '', routing key 'nowhere': NO_ROUTE" in str(error)
    if way == "timed out":
        kinds = [type(one) for one in ended.exceptions]
        assert kinds == [Unroutable, PublishTimeout, PublishTimeout]


@pytest.mark.parametrize("way", ["cancelled", "timed out"])
@pytest.mark.parametrize("changes", [b"", b"\x00"], ids=["as it was", "with a property more"])
async def test_a_late_return_of_what_nobody_waits_for_is_no_others_that_is_equal(
    connection, monkeypatch, way, changes
):
    await connection.put(body=0, routing_key="q", mandatory=False)
    confirms = confirms_of(connection)
    # The broker's own answers would come between those of the test.
    monkeypatch.setattr(confirms._wire, "write", lambda frames: None)
    given = {"body": b"x", "routing_key": "nowhere", "properties": {"message_id": "same"}}
    first = asyncio.ensure_future(connection.put(**given))
    await asyncio.sleep(0)
    ((number, answer),) = confirms._waiting.items()
    message = answer.message(number)
    if way == "cancelled":
        first.cancel()
    else:
        confirms._waiting[number].deadline = 0.0
        confirms._expire()
    others = [asyncio.ensure_future(connection.put(**given)) for _ in range(2)]
    await asyncio.gather(first, return_exceptions=True)
    method, arguments, header, body = returned(message)
    confirms._on_answers(
        [
            (method, arguments, header + changes, body),
            confirmed(number),
            returned(message),
            confirmed(number + 2, multiple=True),
        ]
    )
    results = await asyncio.gather(*others, return_exceptions=True)
    assert [type(result) for result in results] == [Unroutable, type(None)]
    assert confirms._abandoned == {}


async def test_an_answer_takes_no_longer_however_much_was_confirmed_before(connection, monkeypatch):
    """10**15 of them: who went through their numbers would not come back."""
    await connection.put(body=0, routing_key="q", mandatory=False)
    confirms = confirms_of(connection)
    monkeypatch.setattr(confirms._wire, "write", lambda frames: None)
    confirms._published = 10**15
    puts = [asyncio.ensure_future(connection.put(body=0, routing_key="q")) for _ in range(3)]
    await asyncio.sleep(0)
    numbers = list(confirms._waiting)
    message = confirms._waiting[numbers[0]].message(numbers[0])
    confirms._on_answers([returned(message), confirmed(numbers[-1], multiple=True)])
    results = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(result) for result in results] == [Unroutable, type(None), type(None)]


async def test_a_lost_channel_is_told_to_all_who_wait_and_the_next_one_starts_anew(
    connection, queue, admin
):
    await connection.put(body=0, routing_key=queue)
    (publishers,) = connection._publishers.values()
    lost = publishers["/"]._channel
    puts = [
        asyncio.ensure_future(connection.put(body=number, routing_key=queue))
        for number in range(50)
    ]
    await asyncio.sleep(0)
    # At once: no confirm can have been read yet.
    lost._wire.writer.transport.abort()
    await asyncio.gather(*puts)

    assert lost.is_lost
    assert publishers["/"]._channel is not lost
    found = set()
    while message := await (await admin.get_queue(queue)).get(no_ack=True, fail=False):
        found.add(int(message.body))
    assert found == set(range(50))
