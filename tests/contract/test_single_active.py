"""Queues that one consumer has at a time."""

import pytest
from aiormq.exceptions import AMQPError

from tests.contract.client import Arrivals, end_of, publish, take

TYPES = pytest.mark.parametrize("type", ["classic", "quorum"])


@pytest.fixture
async def queue(broker, channel, type):
    return await broker.queue(channel, queue_type=type, single_active_consumer=True)


async def consumer(broker, queue, *, prefetch=0, priority=0):
    channel = await broker.channel()
    await channel.basic_qos(prefetch_count=prefetch)
    return channel, await Arrivals.of(channel, queue, arguments={"x-priority": priority})


async def leave(channel, arrivals, how):
    if how == "cancel":
        await channel.basic_cancel(arrivals.tag)
    elif how == "channel":
        await channel.close()
    else:
        await channel.connection.close()


@TYPES
@pytest.mark.parametrize("how", ["cancel", "channel", "connection"])
async def test_the_first_has_all_and_the_next_one_when_it_leaves(broker, channel, queue, how):
    first, second, third = [await consumer(broker, queue) for _ in range(3)]
    for (holder, arrivals), others in ((first, (second, third)), (second, (third,))):
        await publish(channel, queue, b"1", b"2", b"3", b"4")
        assert await arrivals.bodies(4) == [b"1", b"2", b"3", b"4"]
        for _, other in others:
            assert await other.waiting() == []
        await holder.basic_ack(0, multiple=True)
        # Settled before it leaves: an answer comes behind what was asked before.
        await holder.queue_declare(queue, passive=True)
        await leave(holder, arrivals, how)
    await publish(channel, queue, b"last")
    assert (await third[1].next()).body == b"last"


@TYPES
async def test_the_next_one_gets_what_the_last_one_had(broker, channel, queue):
    holder, arrivals = await consumer(broker, queue, prefetch=2)
    _, other = await consumer(broker, queue)
    await publish(channel, queue, b"1", b"2", b"3")
    await arrivals.bodies(2)
    await holder.close()
    assert await other.bodies(3) == [b"1", b"2", b"3"]


@TYPES
async def test_the_next_one_need_not_wait_for_what_a_cancelled_one_has(
    broker, channel, queue, since_4
):
    holder, arrivals = await consumer(broker, queue, prefetch=2)
    _, other = await consumer(broker, queue, prefetch=2)
    await publish(channel, queue, b"1", b"2", b"3")
    await arrivals.bodies(2)
    await holder.basic_cancel(arrivals.tag)
    assert (await other.next()).body == b"3"
    await holder.basic_nack(1, requeue=True)
    assert (await other.next()).body == b"1"


@pytest.mark.parametrize("type", ["classic"])
async def test_one_of_a_higher_priority_waits_at_a_classic_queue(broker, channel, queue):
    _, first = await consumer(broker, queue)
    _, urgent = await consumer(broker, queue, priority=5)
    await publish(channel, queue, b"1", b"2")
    assert await first.bodies(2) == [b"1", b"2"]
    assert await urgent.waiting() == []


@pytest.mark.parametrize("type", ["quorum"])
async def test_one_of_a_higher_priority_takes_over_a_quorum_queue(broker, channel, queue, since_4):
    holder, first = await consumer(broker, queue, prefetch=2)
    await publish(channel, queue, b"1", b"2", b"3")
    assert await first.bodies(2) == [b"1", b"2"]
    _, urgent = await consumer(broker, queue, priority=5)
    # It is to settle what it has, and gets nothing more.
    await holder.basic_ack(1)
    await holder.basic_ack(2)
    assert (await urgent.next()).body == b"3"
    assert await first.waiting() == []


@pytest.mark.parametrize("type", ["classic"])
async def test_cannot_be_had_by_one_that_wants_to_be_the_only_one(broker, queue, channel):
    with pytest.raises(AMQPError):
        await Arrivals.of(channel, queue, exclusive=True)
    assert await end_of(channel) == (
        f"ACCESS_REFUSED - queue '{queue}' in vhost '/' in exclusive use"
    )


@TYPES
async def test_a_get_is_for_classic_queues(broker, channel, queue, type):
    await publish(channel, queue, b"x")
    if type == "classic":
        assert (await take(channel, queue)).body == b"x"
        return
    with pytest.raises(AMQPError):
        await channel.basic_get(queue)
    kind = '<<"quorum">>' if broker.version >= (4, 3) else "quorum"
    assert await end_of(channel) == (
        f"RESOURCE_LOCKED - cannot obtain access to locked queue '{queue}' in vhost '/'. "
        f"basic.get operations are not supported by {kind} queues with single active consumer"
    )
