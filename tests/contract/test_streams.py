"""Streams: what a consumer is sent, and what a stream is not."""

import datetime

import pytest
from aiormq.exceptions import AMQPError

from tests.contract.client import Arrivals, end_of, publish

STREAM = {"queue_type": "stream"}
UNSUPPORTED = "NOT_IMPLEMENTED - {what} not supported by stream queues queue '{queue}' in vhost '/'"
NOW = datetime.datetime.now(datetime.UTC)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
async def stream(broker, channel):
    name = await broker.queue(channel, **STREAM)
    await channel.basic_qos(prefetch_count=100)
    return name


def numbers(count):
    return [str(number).encode() for number in range(count)]


async def offsets(arrivals, count):
    found = [(await arrivals.next()).header.properties.headers for _ in range(count)]
    return [headers["x-stream-offset"] for headers in found]


@pytest.mark.parametrize(
    ("offset", "first"),
    [("first", 0), (0, 0), (7, 7), ("60s", 0), ("1h", 0), (NOW - HOUR, 0)],
)
async def test_is_read_from_an_offset_on(channel, stream, offset, first):
    await publish(channel, stream, *numbers(10))
    arrivals = await Arrivals.of(channel, stream, arguments={"x-stream-offset": offset})
    assert await offsets(arrivals, 10 - first) == list(range(first, 10))


@pytest.mark.parametrize("offset", ["next", None, NOW + HOUR, 3])
async def test_is_read_as_it_comes(channel, stream, offset):
    await publish(channel, stream, *numbers(3))
    arguments = {} if offset is None else {"x-stream-offset": offset}
    arrivals = await Arrivals.of(channel, stream, arguments=arguments)
    await publish(channel, stream, *numbers(2))
    assert await offsets(arrivals, 2) == [3, 4]


async def test_last_is_not_before_what_was_published_last(channel, stream):
    await publish(channel, stream, *numbers(3))
    arrivals = await Arrivals.of(channel, stream, arguments={"x-stream-offset": "last"})
    assert await offsets(arrivals, 1) == [2]


async def test_each_consumer_has_all(broker, channel, stream):
    await publish(channel, stream, *numbers(3))
    first = {"x-stream-offset": "first"}
    for _ in range(2):
        other = await broker.channel()
        await other.basic_qos(prefetch_count=10)
        arrivals = await Arrivals.of(other, stream, arguments=first)
        delivered = [await arrivals.next() for _ in range(3)]
        assert [one.body for one in delivered] == numbers(3)
        assert not any(one.redelivered for one in delivered)


async def test_sends_no_more_than_prefetch_before_something_is_acknowledged(channel, stream):
    await publish(channel, stream, *numbers(5))
    await channel.basic_qos(prefetch_count=2)
    arrivals = await Arrivals.of(channel, stream, arguments={"x-stream-offset": "first"})
    delivered = [await arrivals.next() for _ in range(2)]
    assert await arrivals.waiting() == []
    await channel.basic_ack(delivered[1].delivery_tag)
    assert (await arrivals.next()).body == b"2"


async def test_the_offset_is_its_own_whatever_is_published(channel, stream):
    await publish(channel, stream, b"", headers={"x-stream-offset": 7, "other": 1})
    arrivals = await Arrivals.of(channel, stream, arguments={"x-stream-offset": "first"})
    headers = (await arrivals.next()).header.properties.headers
    assert headers == {"x-stream-offset": 0, "other": 1}


@pytest.mark.usefixtures("since_4")
async def test_what_is_rejected_counts_as_read(channel, stream):
    await publish(channel, stream, *numbers(6))
    await channel.basic_qos(prefetch_count=2)
    arrivals = await Arrivals.of(channel, stream, arguments={"x-stream-offset": "first"})
    await channel.basic_nack((await arrivals.next()).delivery_tag, requeue=True)
    await channel.basic_reject((await arrivals.next()).delivery_tag, requeue=False)
    assert await arrivals.bodies(2) == [b"2", b"3"]
    assert await arrivals.waiting() == []


async def test_refuses_to_take_anything_back(broker, stream):
    if broker.version >= (4,):
        pytest.skip("since RabbitMQ 4.0 what is rejected counts as read")
    other = await broker.channel()
    await publish(other, stream, b"1")
    await other.basic_qos(prefetch_count=10)
    arrivals = await Arrivals.of(other, stream, arguments={"x-stream-offset": "first"})
    await other.basic_nack((await arrivals.next()).delivery_tag, requeue=True)
    ended = str(await end_of(other))
    assert UNSUPPORTED.format(what="basic.nack and basic.reject", queue=stream) in ended


async def test_hands_out_nothing_for_good(broker, stream):
    other = await broker.channel()
    with pytest.raises(AMQPError) as raised:
        await other.basic_get(stream)
    assert UNSUPPORTED.format(what="basic.get", queue=stream) in str(raised.value)


async def test_wants_a_prefetch(broker, stream):
    other = await broker.channel()
    with pytest.raises(AMQPError) as raised:
        await Arrivals.of(other, stream)
    assert "consumer prefetch count is not set for " in str(raised.value)


@pytest.mark.parametrize(
    "argument",
    [
        {"dead_letter_exchange": ""},
        {"expires": 1000},
        {"max_length": 5},
        {"max_priority": 3},
        {"message_ttl": 1000},
        {"overflow": "drop-head"},
        {"single_active_consumer": True},
    ],
)
async def test_is_not_what_other_queues_are(broker, argument):
    other = await broker.channel()
    with pytest.raises(AMQPError) as raised:
        await broker.queue(other, **STREAM, **argument)
    [name] = argument
    refused = f"PRECONDITION_FAILED - invalid arg 'x-{name.replace('_', '-')}' for queue"
    assert refused in str(raised.value)
    assert "of queue type rabbit_stream_queue" in str(raised.value)


@pytest.mark.parametrize("age", ["5x", "1500", "0s"])
async def test_wants_an_age_in_units(broker, age):
    other = await broker.channel()
    with pytest.raises(AMQPError) as raised:
        await broker.queue(other, **STREAM, max_age=age)
    assert "invalid_max_age" in str(raised.value)


@pytest.mark.parametrize(
    ("option", "property_name"),
    [
        ({"durable": False}, "non-durable"),
        ({"auto_delete": True}, "auto-delete"),
        ({"exclusive": True}, "exclusive-owner"),
    ],
)
async def test_stays(broker, option, property_name):
    other = await broker.channel()
    with pytest.raises(AMQPError) as raised:
        await broker.queue(other, **STREAM, **option)
    assert f"invalid property '{property_name}' for queue" in str(raised.value)


async def test_a_queue_is_read_from_no_offset(broker, channel):
    name = await broker.queue(channel)
    other = await broker.channel()
    await other.basic_qos(prefetch_count=1)
    with pytest.raises(AMQPError) as raised:
        await Arrivals.of(other, name, arguments={"x-stream-offset": "first"})
    assert f"invalid arg 'x-stream-offset' for queue '{name}' in vhost '/'" in str(raised.value)
    assert "of queue type rabbit_classic_queue" in str(raised.value)
