"""Deliveries: to whom, how many at once, and what becomes of them."""

import pytest
from aiormq import spec

from tests.contract.client import Arrivals, bodies_in, depth, get, publish, until_deep


async def numbered(broker, channel, count):
    """The name of a queue with messages 1, 2, 3, ..."""
    queue = await broker.queue(channel)
    await publish(channel, queue, *[str(number).encode() for number in range(1, count + 1)])
    return queue


async def test_gives_no_more_than_prefetch(broker, channel):
    queue = await numbered(broker, channel, 4)
    await channel.basic_qos(prefetch_count=2)
    arrivals = await Arrivals.of(channel, queue)
    assert await arrivals.waiting() == [b"1", b"2"]
    await channel.basic_ack(1)
    assert (await arrivals.next()).body == b"3"
    await channel.basic_ack(3, multiple=True)
    assert (await arrivals.next()).body == b"4"
    assert await depth(channel, queue) == 0


async def test_counts_prefetch_for_each_consumer(broker, channel):
    await channel.basic_qos(prefetch_count=1)
    first = await Arrivals.of(channel, await numbered(broker, channel, 2))
    second = await Arrivals.of(channel, await numbered(broker, channel, 2))
    assert await first.waiting() == [b"1"]
    assert await second.waiting() == [b"1"]


async def test_counts_a_global_prefetch_for_the_channel_or_since_4_3_for_each_consumer(
    broker, channel
):
    await channel.basic_qos(prefetch_count=1, global_=True)
    first = await Arrivals.of(channel, await numbered(broker, channel, 2))
    second = await Arrivals.of(channel, await numbered(broker, channel, 2))
    assert await first.waiting() == [b"1"]
    assert await second.waiting() == ([b"1"] if broker.version >= (4, 3) else [])


async def test_keeps_prefetch_of_consumers_that_are_there(broker, channel):
    await channel.basic_qos(prefetch_count=1)
    arrivals = await Arrivals.of(channel, await numbered(broker, channel, 3))
    await channel.basic_qos(prefetch_count=2)
    assert await arrivals.waiting() == [b"1"]


async def test_asks_no_settlement_of_who_wants_none(broker, channel):
    await channel.basic_qos(prefetch_count=1)
    queue = await numbered(broker, channel, 3)
    arrivals = await Arrivals.of(channel, queue, no_ack=True)
    assert await arrivals.bodies(3) == [b"1", b"2", b"3"]
    await channel.basic_cancel(arrivals.tag)
    assert await depth(channel, queue) == 0


async def test_takes_turns_between_consumers(broker, channel):
    queue = await broker.queue(channel)
    consumers = [await Arrivals.of(await broker.channel(), queue) for _ in range(3)]
    await publish(channel, queue, *[str(number).encode() for number in range(6)])
    assert [len(await one.bodies(2)) for one in consumers] == [2, 2, 2]
    assert await depth(channel, queue) == 0


async def test_gives_to_the_one_that_has_room(broker, channel):
    queue = await broker.queue(channel)
    slow = await broker.channel()
    await slow.basic_qos(prefetch_count=1)
    at_slow = await Arrivals.of(slow, queue)
    at_quick = await Arrivals.of(await broker.channel(), queue, no_ack=True)
    await publish(channel, queue, b"1", b"2", b"3", b"4")
    await at_quick.bodies(3)
    assert len(await at_slow.waiting()) == 1


async def test_marks_what_is_delivered_again(broker, channel):
    queue = await numbered(broker, channel, 1)
    first = await channel.basic_get(queue)
    assert not first.delivery.redelivered
    await channel.basic_reject(first.delivery_tag, requeue=True)
    again = await channel.basic_get(queue)
    assert again.delivery.redelivered
    assert again.delivery_tag == first.delivery_tag + 1


@pytest.mark.parametrize("how", ["reject", "nack", "recover", "channel", "connection"])
async def test_puts_messages_back_where_they_were(broker, channel, how):
    queue = await numbered(broker, channel, 5)
    other = await broker.channel()
    for number in range(1, 4):
        assert await get(other, queue, no_ack=False) == str(number).encode()
    if how == "reject":
        for tag in (2, 1, 3):
            await other.basic_reject(tag, requeue=True)
    elif how == "nack":
        await other.basic_nack(3, multiple=True, requeue=True)
    elif how == "recover":
        await other.basic_recover(requeue=True)
    else:
        await (other if how == "channel" else other.connection).close()
    await until_deep(channel, queue, 5)
    assert await bodies_in(channel, queue) == [b"1", b"2", b"3", b"4", b"5"]


async def test_gives_to_the_same_consumer_again_what_it_put_back(broker, channel):
    await channel.basic_qos(prefetch_count=3)
    arrivals = await Arrivals.of(channel, await numbered(broker, channel, 5))
    assert await arrivals.bodies(3) == [b"1", b"2", b"3"]
    await channel.basic_nack(2, multiple=True, requeue=True)
    again = [await arrivals.next() for _ in range(2)]
    assert [one.body for one in again] == [b"1", b"2"]
    assert all(one.delivery.redelivered for one in again)


async def test_drops_what_is_rejected(broker, channel):
    queue = await numbered(broker, channel, 3)
    for _ in range(3):
        await channel.basic_get(queue)
    await channel.basic_reject(1, requeue=False)
    await channel.basic_nack(3, multiple=True, requeue=False)
    assert await depth(channel, queue) == 0
    await channel.close()
    assert await bodies_in(await broker.channel(), queue) == []


async def test_settles_all_by_tag_zero(broker, channel):
    queue = await numbered(broker, channel, 3)
    for _ in range(3):
        await channel.basic_get(queue)
    await channel.basic_ack(0, multiple=True)
    await channel.close()
    assert await bodies_in(await broker.channel(), queue) == []


async def test_a_cancelled_consumer_may_settle_what_it_has(broker, channel):
    queue = await numbered(broker, channel, 3)
    await channel.basic_qos(prefetch_count=2)
    arrivals = await Arrivals.of(channel, queue)
    await arrivals.bodies(2)
    assert isinstance(await channel.basic_cancel(arrivals.tag), spec.Basic.CancelOk)
    await channel.basic_ack(1)
    await channel.basic_reject(2, requeue=True)
    await until_deep(channel, queue, 2)
    assert await bodies_in(channel, queue) == [b"2", b"3"]


async def test_consumers_come_with_a_tag_of_their_own_or_the_brokers(broker, channel):
    queue = await broker.queue(channel)
    named = await channel.basic_consume(queue, lambda message: None, consumer_tag="mine")
    assert named.consumer_tag == "mine"


async def test_a_get_of_an_empty_queue_says_so(broker, channel):
    found = await channel.basic_get(await broker.queue(channel))
    assert isinstance(found.delivery, spec.Basic.GetEmpty)


async def test_unsettled_gets_do_not_count_for_prefetch(broker, channel):
    queue = await numbered(broker, channel, 3)
    await channel.basic_qos(prefetch_count=1)
    await channel.basic_get(queue)
    arrivals = await Arrivals.of(channel, queue)
    assert await arrivals.waiting() == [b"2"]
