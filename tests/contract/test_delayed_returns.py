"""Quorum queues since 4.3: messages that wait a while after they came back."""

import asyncio

import pytest

from tests.contract.client import bodies_in, depth, get, publish, take

pytestmark = pytest.mark.usefixtures("since_4_3")

LONG = 600_000


@pytest.fixture
def delaying(broker, channel):
    """Declares such a queue."""

    async def declare(type, least, most=None, **options):
        own = {"delayed_retry_type": type, "delayed_retry_min": least, **options}
        if most is not None:
            own["delayed_retry_max"] = most
        return await broker.queue(channel, queue_type="quorum", **own)

    return declare


async def put_back(channel, queue, how):
    found = await take(channel, queue)
    await getattr(channel, f"basic_{how}")(found.delivery_tag, requeue=True)


async def time_of(channel, queue, how):
    """The seconds after which a message that is put back is there again."""
    now = asyncio.get_running_loop().time
    start = now()
    await put_back(channel, queue, how)
    while await depth(channel, queue) == 0:
        pass
    # The broker counts in whole milliseconds.
    return now() - start + 0.002


@pytest.mark.parametrize(
    ("type", "delayed"),
    [
        ("failed", ["reject"]),
        ("returned", ["nack"]),
        ("all", ["reject", "nack"]),
        ("disabled", []),
        ("strange", []),
    ],
)
async def test_which_of_them_wait(channel, delaying, type, delayed):
    queue = await delaying(type, LONG)
    for how in ("reject", "nack"):
        await publish(channel, queue, how.encode())
        await put_back(channel, queue, how)
        await publish(channel, queue, b"next")
        at_once = [] if how in delayed else [how.encode()]
        assert await bodies_in(channel, queue) == [*at_once, b"next"]


@pytest.mark.parametrize("least", [0, -5, "500", None])
async def test_none_waits_without_a_least_delay(channel, delaying, least):
    queue = await delaying("all", least)
    await publish(channel, queue, b"x")
    await put_back(channel, queue, "nack")
    assert (await take(channel, queue)).body == b"x"


async def test_waits_longer_each_time_that_it_failed(channel, delaying):
    queue = await delaying("failed", 100, 300)
    await publish(channel, queue, b"x")
    for least in (0.1, 0.2, 0.3):
        assert await time_of(channel, queue, "reject") >= least


async def test_waits_as_long_each_time_that_it_did_not_fail(channel, delaying):
    queue = await delaying("all", 100, LONG)
    await publish(channel, queue, b"x")
    for _ in range(3):
        assert await time_of(channel, queue, "nack") >= 0.1
    counts = (await take(channel, queue)).header.properties.headers
    assert counts == {"x-acquired-count": 3}


async def test_waits_no_longer_than_the_most(channel, delaying):
    queue = await delaying("all", LONG, 100)
    await publish(channel, queue, b"x")
    assert await time_of(channel, queue, "reject") >= 0.1


async def test_waits_always_the_least_where_there_is_no_most(channel, delaying):
    queue = await delaying("all", 100)
    await publish(channel, queue, b"x")
    for _ in range(3):
        assert await time_of(channel, queue, "reject") >= 0.1


async def test_comes_back_before_what_was_published_since_the_first_one_first(channel, delaying):
    queue = await delaying("all", 300)
    await publish(channel, queue, b"1", b"2")
    for _ in range(2):
        await take(channel, queue)
    for tag in (2, 1):
        await channel.basic_nack(tag, requeue=True)
    await publish(channel, queue, b"3")
    while await depth(channel, queue) < 3:
        pass
    # Those of one millisecond come in their first order.
    found = await bodies_in(channel, queue)
    assert (sorted(found[:2]), found[2:]) == ([b"1", b"2"], [b"3"])


async def test_what_waits_takes_its_place_of_a_full_queue_and_is_purged(channel, delaying):
    queue = await delaying("all", LONG, max_length=1)
    await publish(channel, queue, b"1")
    await put_back(channel, queue, "nack")
    await publish(channel, queue, b"2")
    assert await get(channel, queue) is None
    assert (await channel.queue_purge(queue)).message_count == 1
    await publish(channel, queue, b"3")
    assert await get(channel, queue) == b"3"


async def test_what_failed_too_often_waits_no_more(channel, delaying):
    queue = await delaying("all", 30, delivery_limit=1)
    await publish(channel, queue, b"x")
    assert await time_of(channel, queue, "reject") >= 0.03
    await put_back(channel, queue, "reject")
    assert (await channel.queue_delete(queue)).message_count == 0
