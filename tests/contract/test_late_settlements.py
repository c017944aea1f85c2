"""Quorum queues since 4.3: what becomes of messages that are not settled in time."""

import asyncio

import pytest
from aiormq import spec
from aiormq.exceptions import AMQPError

from tests.contract.client import (
    LIMIT,
    Arrivals,
    depth,
    end_of,
    publish,
    take,
    until_deep,
    until_shallow,
)

TIMED_OUT = (
    "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: "
    "-1 ms. This timeout value can be configured, see consumers doc guide to learn more"
)

pytestmark = pytest.mark.usefixtures("since_4_3")


@pytest.fixture
async def queue(broker, channel):
    """A quorum queue of three messages, each to be settled in 300 ms."""
    queue = await broker.queue(channel, queue_type="quorum", consumer_timeout=300)
    await publish(channel, queue, b"1", b"2", b"3")
    return queue


class Late:
    """A consumer that has two messages for too long."""

    def __init__(self, channel):
        self.channel = channel
        self.cancelled = asyncio.Queue()
        channel.on_consumer_cancel_callbacks.add(self.cancelled.put_nowait)

    @classmethod
    async def of(cls, broker, queue, **options):
        late = cls(await broker.channel())
        await late.channel.basic_qos(prefetch_count=2)
        late.arrivals = await Arrivals.of(late.channel, queue, consumer_tag="mine", **options)
        assert await late.arrivals.bodies(2) == [b"1", b"2"]
        async with asyncio.timeout(LIMIT):
            assert (await late.cancelled.get()).consumer_tag == "mine"
        return late


async def test_cancels_the_consumer_and_has_its_messages_back_in_front(broker, channel, queue):
    late = await Late.of(broker, queue)
    await until_deep(channel, queue, 3)
    found = [await take(channel, queue, no_ack=True) for _ in range(3)]
    assert [one.body for one in found] == [b"1", b"2", b"3"]
    assert [one.delivery.redelivered for one in found] == [True, True, False]
    # That it was late does not count as a failure.
    assert found[0].header.properties.headers == {"x-acquired-count": 1}
    assert not late.channel.closing.done()


@pytest.mark.parametrize("how", ["ack", "reject", "nack"])
async def test_late_settlements_do_nothing(broker, channel, queue, how):
    late = await Late.of(broker, queue)
    # Each of the two is late by itself.
    await until_deep(channel, queue, 3)
    # Otherwise it would go on, as a test below shows.
    await late.channel.basic_cancel("mine")
    options = {} if how == "ack" else {"requeue": False}
    for tag in (1, 2):
        await getattr(late.channel, f"basic_{how}")(tag, **options)
    assert await depth(late.channel, queue) == 3


async def test_goes_on_with_a_consumer_that_has_settled_what_was_late(broker, channel, queue):
    late = await Late.of(broker, queue)
    await until_deep(channel, queue, 3)

    async def settle(message):
        await late.channel.basic_ack(message.delivery_tag)

    # The library has forgotten it, as it was told that it is cancelled.
    late.channel.consumers["mine"] = settle
    await late.channel.basic_ack(1)
    assert await depth(late.channel, queue) == 3
    await late.channel.basic_ack(2)
    await until_shallow(channel, queue, 0)


async def test_a_cancelled_consumer_keeps_its_tag(broker, queue):
    late = await Late.of(broker, queue)
    with pytest.raises((AMQPError, asyncio.CancelledError)):
        await late.channel.rpc(spec.Basic.Consume(queue=queue, consumer_tag="mine"))
    said = await end_of(late.channel.connection)
    assert said == "NOT_ALLOWED - attempt to reuse consumer tag 'mine'"


async def test_a_client_may_consume_again_once_it_has_cancelled_too(broker, channel, queue):
    late = await Late.of(broker, queue)
    # Each of the two is late by itself.
    await until_deep(channel, queue, 3)
    await late.channel.basic_cancel("mine")
    arrivals = await Arrivals.of(late.channel, queue, consumer_tag="mine")
    assert await arrivals.bodies(2) == [b"1", b"2"]


async def test_other_consumers_get_what_was_late(broker, channel, queue):
    late = await Late.of(broker, queue)
    await until_deep(channel, queue, 3)
    other = await Arrivals.of(channel, queue, arguments={"x-consumer-timeout": 600_000})
    assert await other.bodies(3) == [b"1", b"2", b"3"]
    await late.channel.close()
    await channel.basic_ack(0, multiple=True)
    assert await depth(channel, queue) == 0


@pytest.mark.parametrize("how", ["get", "cancelled"])
async def test_closes_the_channel_where_there_is_no_consumer_to_cancel(broker, channel, queue, how):
    other = await broker.channel()
    if how == "get":
        await take(other, queue)
    else:
        arrivals = await Arrivals.of(other, queue)
        await arrivals.bodies(3)
        await other.basic_cancel(arrivals.tag)
    assert await end_of(other) == TIMED_OUT
    await until_deep(channel, queue, 3)


async def test_a_consumer_may_have_a_time_of_its_own(broker, channel):
    queue = await broker.queue(channel, queue_type="quorum", consumer_timeout=600_000)
    await publish(channel, queue, b"1", b"2")
    await Late.of(broker, queue, arguments={"x-consumer-timeout": 300})
    await until_deep(channel, queue, 2)


async def test_another_consumer_becomes_the_single_active_one(broker, channel):
    queue = await broker.queue(
        channel, queue_type="quorum", consumer_timeout=300, single_active_consumer=True
    )
    await publish(channel, queue, b"1", b"2", b"3")
    late = await Late.of(broker, queue)
    await until_deep(channel, queue, 3)
    other = await Arrivals.of(channel, queue)
    assert await other.bodies(3) == [b"1", b"2", b"3"]
    assert not late.channel.closing.done()
