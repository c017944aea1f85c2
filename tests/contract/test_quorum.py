"""Quorum queues: the order of what comes back, how that is counted, and where it ends."""

import pytest

from tests.contract.client import (
    Arrivals,
    bodies_in,
    depth,
    end_of,
    get,
    publish,
    take,
    until_deep,
    until_shallow,
)

COUNTS = ("x-acquired-count", "x-delivery-count")
WAYS = ("reject", "nack", "recover", "channel", "connection", "error")


async def put_back(channel, how, tags):
    """Have messages put back in one of the ways that there are."""
    if how in ("reject", "nack"):
        for tag in tags:
            await getattr(channel, f"basic_{how}")(tag, requeue=True)
    elif how == "recover":
        await channel.basic_recover(requeue=True)
    elif how == "error":
        await channel.basic_ack(max(tags) + 1)
        await end_of(channel)
    else:
        await (channel if how == "channel" else channel.connection).close()


def counts_of(message):
    headers = message.header.properties.headers or {}
    return {name: headers[name] for name in COUNTS if name in headers}


def expected_counts(version, how, times):
    """What a message carries that was put back so many times."""
    if version < (4,):
        return {"x-delivery-count": times}
    if version < (4, 3):
        return {"x-delivery-count": times} if times else {}
    counts = dict.fromkeys(COUNTS, times) if times else {}
    if how in ("nack", "recover"):
        counts.pop("x-delivery-count", None)
    return counts


@pytest.mark.parametrize("limit", [None, 50, -1])
@pytest.mark.parametrize("how", WAYS)
async def test_what_comes_back_is_first_or_before_4_3_last_where_nothing_limits_it(
    broker, channel, how, limit
):
    if limit == -1 and broker.version < (4,):
        pytest.skip("since RabbitMQ 4.0")
    options = {} if limit is None else {"delivery_limit": limit}
    queue = await broker.queue(channel, queue_type="quorum", **options)
    await publish(channel, queue, b"1", b"2", b"3", b"4", b"5")
    other = await broker.channel()
    for _ in range(3):
        await take(other, queue)
    await put_back(other, how, [2, 1, 3])
    await until_deep(channel, queue, 5)
    back = [b"2", b"1", b"3"] if how in ("reject", "nack") else [b"1", b"2", b"3"]
    is_limited = limit == 50 or (limit is None and broker.version >= (4,))
    is_last = not is_limited and how in ("reject", "nack", "recover") and broker.version < (4, 3)
    expected = [b"4", b"5", *back] if is_last else [*back, b"4", b"5"]
    assert await bodies_in(channel, queue) == expected


@pytest.mark.parametrize("how", WAYS)
async def test_a_message_carries_how_often_it_came_back_and_how_often_that_counts(
    broker, channel, how
):
    queue = await broker.queue(channel, queue_type="quorum")
    await publish(channel, queue, b"x", headers={"own": 1})
    for times in range(3):
        other = await broker.channel()
        found = await take(other, queue)
        assert counts_of(found) == expected_counts(broker.version, how, times)
        assert found.delivery.redelivered is bool(times)
        assert found.header.properties.headers["own"] == 1
        await put_back(other, how, [found.delivery_tag])


async def test_a_consumer_is_told_the_same(broker, channel):
    queue = await broker.queue(channel, queue_type="quorum")
    await publish(channel, queue, b"x")
    arrivals = await Arrivals.of(channel, queue)
    await channel.basic_reject((await arrivals.next()).delivery_tag, requeue=True)
    assert counts_of(await arrivals.next()) == expected_counts(broker.version, "reject", 1)


async def test_what_a_publisher_says_of_counts_does_not_count(broker, channel):
    queue = await broker.queue(channel, queue_type="quorum", delivery_limit=5)
    await publish(channel, queue, b"x", headers=dict.fromkeys(COUNTS, 7))
    for _ in range(2):
        found = await take(channel, queue)
        await channel.basic_reject(found.delivery_tag, requeue=True)
    assert counts_of(await take(channel, queue))["x-delivery-count"] == 2


async def rejections(channel, queue, most):
    """How often the one message of a queue can be rejected before it is gone."""
    for count in range(most):
        found = await get(channel, queue, no_ack=False)
        if found is None:
            return count
        await channel.basic_reject(count + 1, requeue=True)
    return most


@pytest.mark.parametrize(
    ("limit", "deliveries"), [(0, 1), (2, 3), (20, 21), (None, 21), (-1, 25), ("2", 21)]
)
async def test_drops_what_failed_more_often_than_its_limit_which_is_20_since_4(
    broker, channel, limit, deliveries
):
    if limit in (-1, "2") and broker.version < (4, 3):
        pytest.skip("since RabbitMQ 4.3")
    if limit is None and broker.version < (4,):
        deliveries = 25
    options = {} if limit is None else {"delivery_limit": limit}
    queue = await broker.queue(channel, queue_type="quorum", **options)
    await publish(channel, queue, b"x")
    assert await rejections(channel, queue, 25) == deliveries


async def test_what_was_nacked_does_not_count_since_4_3(broker, channel):
    queue = await broker.queue(channel, queue_type="quorum", delivery_limit=2)
    await publish(channel, queue, b"x")
    for _ in range(3):
        found = await take(channel, queue)
        await channel.basic_nack(found.delivery_tag, requeue=True)
    left = await get(channel, queue)
    assert left == (b"x" if broker.version >= (4, 3) else None)


async def test_lost_connections_count(broker, channel):
    queue = await broker.queue(channel, queue_type="quorum", delivery_limit=2)
    await publish(channel, queue, b"x")
    for _ in range(3):
        other = await broker.channel()
        await (await Arrivals.of(other, queue)).next()
        await other.connection.close()
    await until_shallow(channel, queue, 0)
    assert await get(channel, queue) is None


async def test_what_failed_too_often_is_dead_lettered(broker, channel):
    dead = await broker.queue(channel)
    queue = await broker.queue(
        channel,
        queue_type="quorum",
        delivery_limit=1,
        dead_letter_exchange="",
        dead_letter_routing_key=dead,
    )
    await publish(channel, queue, b"x")
    assert await rejections(channel, queue, 5) == 2
    letter = await take(channel, dead)
    (death,) = letter.header.properties.headers["x-death"]
    assert (death["reason"], death["queue"], death["count"]) == ("delivery_limit", queue, 1)
    assert letter.header.properties.headers["x-first-death-reason"] == "delivery_limit"
    assert letter.delivery.redelivered is (broker.version >= (4, 3))


async def test_a_quorum_queue_of_dead_letters_counts_on_since_4_3(broker, channel):
    dead = await broker.queue(channel, queue_type="quorum", delivery_limit=4)
    queue = await broker.queue(
        channel,
        queue_type="quorum",
        delivery_limit=2,
        dead_letter_exchange="",
        dead_letter_routing_key=dead,
    )
    await publish(channel, queue, b"x")
    assert await rejections(channel, queue, 10) == 3
    await until_deep(channel, dead, 1)
    other = await broker.channel()
    assert await rejections(other, dead, 10) == (2 if broker.version >= (4, 3) else 5)


async def test_takes_no_notice_of_a_consumer_that_wants_to_be_the_only_one(broker, channel):
    queue = await broker.queue(channel, queue_type="quorum")
    await Arrivals.of(channel, queue, exclusive=True)
    other = await broker.channel()
    arrivals = await Arrivals.of(other, queue)
    assert arrivals.tag
    assert (await channel.queue_declare(queue, passive=True)).consumer_count == 2


async def test_messages_grow_too_old_and_too_many_as_in_any_queue(broker, channel):
    dead = await broker.queue(channel)
    for options, reason in (({"message_ttl": 30}, "expired"), ({"max_length": 0}, "maxlen")):
        queue = await broker.queue(
            channel,
            queue_type="quorum",
            dead_letter_exchange="",
            dead_letter_routing_key=dead,
            **options,
        )
        await publish(channel, queue, b"x")
        headers = (await take(channel, dead)).header.properties.headers
        assert headers["x-first-death-reason"] == reason
        assert await depth(channel, queue) == 0
