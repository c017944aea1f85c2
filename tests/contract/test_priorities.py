"""Messages and consumers that come before others."""

import pytest

from tests.contract.client import Arrivals, bodies_in, publish, take, until_deep

TYPES = pytest.mark.parametrize("type", ["classic", "quorum"])


async def publish_all(channel, queue, *priorities):
    """Publish messages that are named by their priority, in this order."""
    for priority in priorities:
        await publish(channel, queue, str(priority).encode(), priority=priority)


def names(*priorities):
    return [str(priority).encode() for priority in priorities]


async def test_a_classic_queue_has_as_many_as_it_is_declared_with(broker, channel):
    queue = await broker.queue(channel, max_priority=5)
    await publish_all(channel, queue, None, 0, 4, 7, 1, 5, 4)
    assert await bodies_in(channel, queue) == names(7, 5, 4, 4, 1, None, 0)


async def test_a_classic_queue_has_none_by_itself(broker, channel):
    queue = await broker.queue(channel)
    await publish_all(channel, queue, 0, 9, 5)
    assert await bodies_in(channel, queue) == names(0, 9, 5)


async def test_a_classic_queue_puts_back_behind_what_is_more_urgent(broker, channel):
    queue = await broker.queue(channel, max_priority=9)
    await publish_all(channel, queue, 1, 5)
    await take(channel, queue)
    await publish_all(channel, queue, 9, 6)
    await channel.basic_reject(1, requeue=True)
    await until_deep(channel, queue, 4)
    assert await bodies_in(channel, queue) == names(9, 6, 5, 1)


async def test_a_quorum_queue_has_32_since_4_3_and_two_since_4(broker, channel, since_4):
    queue = await broker.queue(channel, queue_type="quorum")
    if broker.version >= (4, 3):
        await publish_all(channel, queue, None, 0, 4, 31, 5, 32, 255, 4)
        assert await bodies_in(channel, queue) == names(31, 32, 255, 5, None, 4, 4, 0)
    else:
        await publish_all(channel, queue, 0, 4, 5, 255)
        assert await bodies_in(channel, queue) == names(5, 255, 0, 4)


@pytest.mark.parametrize("how", ["reject", "nack"])
async def test_a_quorum_queue_puts_back_before_what_is_more_urgent(broker, channel, how):
    queue = await broker.queue(channel, queue_type="quorum", delivery_limit=5)
    await publish_all(channel, queue, 1)
    await take(channel, queue)
    await publish_all(channel, queue, 31)
    await getattr(channel, f"basic_{how}")(1, requeue=True)
    await until_deep(channel, queue, 2)
    assert await bodies_in(channel, queue) == names(1, 31)


async def test_a_full_queue_drops_the_most_urgent_which_are_its_first(broker, channel):
    queue = await broker.queue(channel, max_priority=9, max_length=2)
    await publish_all(channel, queue, 9, 1, 5, 1)
    assert await bodies_in(channel, queue) == names(1, 1)


async def test_a_classic_queue_looks_at_its_first_message_alone(broker, channel):
    dead = await broker.queue(channel)
    dlx = {"dead_letter_exchange": "", "dead_letter_routing_key": dead}
    queue = await broker.queue(channel, max_priority=9, **dlx)
    other = await broker.queue(channel, **dlx)
    await publish(channel, queue, b"urgent", priority=9)
    await publish(channel, queue, b"old", priority=1, expiration="1")
    await publish(channel, other, b"tick", expiration="60")
    assert (await take(channel, dead)).body == b"tick"
    await take(channel, queue)
    assert (await take(channel, dead)).body == b"old"


async def test_a_quorum_queue_looks_at_the_first_of_each_priority(broker, channel, since_4_3):
    dead = await broker.queue(channel)
    queue = await broker.queue(
        channel, queue_type="quorum", dead_letter_exchange="", dead_letter_routing_key=dead
    )
    await publish(channel, queue, b"urgent", priority=9)
    await publish(channel, queue, b"old", priority=1, expiration="30")
    assert (await take(channel, dead)).body == b"old"


@TYPES
async def test_a_consumer_gets_nothing_while_one_of_a_higher_priority_has_room(
    broker, channel, type
):
    queue = await broker.queue(channel, queue_type=type)
    consumers = []
    for priority in (0, 5, -5):
        other = await broker.channel()
        await other.basic_qos(prefetch_count=2)
        consumers.append(await Arrivals.of(other, queue, arguments={"x-priority": priority}))
    await publish(channel, queue, b"1", b"2", b"3", b"4", b"5")
    some, urgent, last = consumers
    assert await urgent.bodies(2) == [b"1", b"2"]
    assert await some.bodies(2) == [b"3", b"4"]
    assert await last.bodies(1) == [b"5"]


@TYPES
async def test_consumers_of_one_priority_take_turns(broker, channel, type):
    queue = await broker.queue(channel, queue_type=type)
    consumers = [
        await Arrivals.of(await broker.channel(), queue, arguments={"x-priority": 5})
        for _ in range(2)
    ]
    for number in range(4):
        await publish(channel, queue, str(number).encode())
    assert [len(await one.bodies(2)) for one in consumers] == [2, 2]
