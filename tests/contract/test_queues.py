"""Queues: what they hold, in which order, for whom, and for how long."""

import asyncio

import pytest
from aiormq import spec
from aiormq.exceptions import ChannelLockedResource, ChannelNotFoundEntity

from tests.contract.client import Arrivals, bodies_in, depth, end_of, get, publish


async def test_gives_messages_in_the_order_of_publishing(broker, channel):
    queue = await broker.queue(channel)
    await publish(channel, queue, b"1", b"2", b"3")
    assert await depth(channel, queue) == 3
    assert await bodies_in(channel, queue) == [b"1", b"2", b"3"]


async def test_keeps_what_a_publisher_says_of_a_message(broker, channel):
    queue = await broker.queue(channel)
    headers = {"text": "é", "number": -5, "yes": True, "none": None, "list": [1, "a"], "big": 2**40}
    sent = {
        "content_type": "text/plain",
        "delivery_mode": 2,
        "priority": 3,
        "correlation_id": "c",
        "reply_to": "r",
        "message_id": "m",
        "message_type": "t",
        "app_id": "a",
        "headers": headers,
    }
    await publish(channel, queue, b"body", **sent)
    found = await channel.basic_get(queue, no_ack=True)
    assert {name: getattr(found.header.properties, name) for name in sent} == sent
    assert (found.delivery.exchange, found.delivery.routing_key) == ("", queue)


@pytest.mark.parametrize("size", [0, 1, 131_064, 131_065, 1_000_000])
async def test_carries_bodies_of_any_size(broker, channel, size):
    queue = await broker.queue(channel)
    arrivals = await Arrivals.of(channel, queue, no_ack=True)
    await publish(channel, queue, b"x" * size, b"next")
    assert [len(body) for body in await arrivals.bodies(2)] == [size, 4]


async def test_names_a_queue_for_which_the_client_has_no_name(broker, channel):
    first = await channel.queue_declare(exclusive=True)
    second = await channel.queue_declare(exclusive=True)
    assert first.queue.startswith("amq.gen-")
    assert first.queue != second.queue
    bound = await channel.queue_bind("", "amq.fanout")
    assert isinstance(bound, spec.Queue.BindOk)
    await channel.basic_publish(b"x", exchange="amq.fanout")
    assert await get(channel, second.queue) == b"x"
    assert await get(channel, first.queue) is None


async def test_counts_messages_and_consumers(broker, channel):
    queue = await broker.queue(channel)
    await publish(channel, queue, b"1", b"2")
    declared = await channel.queue_declare(queue, durable=True)
    assert (declared.message_count, declared.consumer_count) == (2, 0)
    found = await channel.basic_get(queue)
    assert found.delivery.message_count == 1
    await Arrivals.of(channel, queue)
    assert (await channel.queue_declare(queue, durable=True)).consumer_count == 1


async def test_purges_what_waits_and_not_what_is_delivered(broker, channel):
    queue = await broker.queue(channel)
    await publish(channel, queue, b"1", b"2", b"3")
    delivered = await channel.basic_get(queue)
    assert (await channel.queue_purge(queue)).message_count == 2
    assert await get(channel, queue) is None
    await channel.basic_reject(delivered.delivery_tag, requeue=True)
    assert await get(channel, queue) == b"1"


async def test_deletes_a_queue_with_its_messages(broker, channel):
    queue = await broker.queue(channel)
    await publish(channel, queue, b"1", b"2")
    assert (await channel.queue_delete(queue)).message_count == 2
    assert (await channel.queue_delete(queue)).message_count == 0
    await broker.queue(channel)
    with pytest.raises(ChannelNotFoundEntity):
        await channel.queue_declare(queue, passive=True)


async def test_takes_settlements_of_messages_whose_queue_is_gone(broker, channel):
    queue = await broker.queue(channel)
    await publish(channel, queue, b"1", b"2")
    first = await channel.basic_get(queue)
    second = await channel.basic_get(queue)
    await channel.queue_delete(queue)
    await channel.basic_ack(first.delivery_tag)
    await channel.basic_reject(second.delivery_tag, requeue=True)
    assert (await channel.queue_declare(queue, durable=True)).message_count == 0


async def test_tells_consumers_that_their_queue_is_gone(broker, channel):
    queue = await broker.queue(channel)
    cancelled = asyncio.Queue()
    channel.on_consumer_cancel_callbacks.add(cancelled.put_nowait)
    arrivals = await Arrivals.of(channel, queue)
    await (await broker.channel()).queue_delete(queue)
    async with asyncio.timeout(10):
        assert (await cancelled.get()).consumer_tag == arrivals.tag


async def test_keeps_an_exclusive_queue_to_its_connection_and_ends_it_with_that(broker, channel):
    other = await broker.channel()
    queue = await broker.queue(other, exclusive=True)
    with pytest.raises(ChannelLockedResource, match="RESOURCE_LOCKED - cannot obtain exclusive"):
        await channel.queue_declare(queue, passive=True)
    channel = await broker.channel()
    await other.connection.close()
    with pytest.raises(ChannelNotFoundEntity):
        await channel.queue_declare(queue, passive=True)


async def test_ends_an_auto_delete_queue_with_its_last_consumer(broker, channel):
    queue = await broker.queue(channel, auto_delete=True)
    first = await Arrivals.of(channel, queue)
    second = await Arrivals.of(channel, queue)
    await channel.basic_cancel(first.tag)
    assert await depth(channel, queue) == 0
    await channel.basic_cancel(second.tag)
    with pytest.raises(ChannelNotFoundEntity):
        await channel.queue_declare(queue, passive=True)


async def test_ends_a_queue_that_nobody_uses_for_too_long(broker, channel):
    unused = await broker.queue(channel, expires=500)
    consumed = await broker.queue(channel, expires=500)
    arrivals = await Arrivals.of(channel, consumed)
    await _time_passes(broker, channel, 1000)
    assert await _exists(broker, consumed)
    assert not await _exists(broker, unused)
    await channel.basic_cancel(arrivals.tag)
    await _time_passes(broker, channel, 1000)
    assert not await _exists(broker, consumed)


async def _time_passes(broker, channel, milliseconds):
    """Wait by the broker's own clock."""
    dead = await broker.queue(channel)
    waiting = await broker.queue(
        channel, message_ttl=milliseconds, dead_letter_exchange="", dead_letter_routing_key=dead
    )
    arrivals = await Arrivals.of(channel, dead, no_ack=True)
    await publish(channel, waiting, b"tick")
    await arrivals.next()


async def _exists(broker, queue):
    channel = await broker.channel()
    try:
        await channel.queue_declare(queue, passive=True)
    except ChannelNotFoundEntity:
        return False
    return True


async def test_answers_a_passive_declare_of_what_is_not_there(broker, channel):
    with pytest.raises(ChannelNotFoundEntity) as raised:
        await channel.queue_declare("missing", passive=True)
    assert raised.value.args[0] == "NOT_FOUND - no queue 'missing' in vhost '/'"
    assert await end_of(channel) == raised.value.args[0]
