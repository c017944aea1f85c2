"""Shards that replicas share, on any path."""

import asyncio

import pytest

from asyncworker import Events, Options, Rate
from asyncworker.health import health
from asyncworker.rabbitmq import Queue, Retry, Shards

pytestmark = pytest.mark.usefixtures("path")

ALL = set(range(8))
both = pytest.mark.parametrize("kind", ["classic", "quorum"])


async def parts(*replicas, sizes):
    """Wait until the replicas have all shards among them, in parts of these sizes."""
    while True:
        held = [await one.holds(*sizes) for one in replicas]
        if sorted(map(len, held)) == sorted(sizes) and set.union(*held) == ALL:
            return held


async def test_one_has_all_and_each_key_in_order(replica, shop, send, logs, shards):
    one = await replica().start()
    assert await one.holds(8) == ALL
    await send(range(200))
    await shop.has(200)
    assert shop.overtaken() == {}
    assert one.app.problems == []
    line = f"shards 0, 1, 2, 3, 4, 5, 6, 7 of 8 of '{shards.name}', as one of 1 process"
    assert logs.matching(line)
    assert logs.errors == []


async def test_replicas_come_and_go(replica, shop, send, limit):
    first = await replica().start()
    await first.holds(8)
    second = await replica().start()
    async with asyncio.timeout(limit):
        await parts(first, second, sizes=(4, 4))
        third = await replica().start()
        await parts(first, second, third, sizes=(2, 3, 3))
        assert all(health(one.app)["ready"] for one in (first, second, third))
        await send(range(300), keys=100)
        await shop.has(300)
        # Each has keys of its own.
        keys = shop.keys()
        by = {key: {by for by, own, _ in shop.handled if own == key} for key in keys}
        assert all(len(names) == 1 for names in by.values())
        assert len(set.union(*by.values())) == 3
        await first.stop()
        await parts(second, third, sizes=(4, 4))
        await second.stop()
        assert await third.holds(8) == ALL
    await send(range(300, 400), keys=100)
    await shop.has(400)
    assert shop.overtaken() == {}


async def test_more_replicas_than_shards(replica, shards, limit, logs):
    few = Shards(shards.queue, 2, by="key")
    made = [await replica(shards=few).start() for _ in range(3)]
    async with asyncio.timeout(limit):
        while sorted([len(await one.holds(0, 1, 2)) for one in made]) != [0, 1, 1]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert all(health(one.app)["ready"] for one in made)
    assert logs.matching(f"no shard of 2 of '{shards.name}', as one of 3 processes")


@both
async def test_a_shard_is_handed_over_when_its_handlers_have_ended(replica, shop, send, limit):
    first = await replica().start()
    await first.holds(8)
    first.may_end.clear()
    await send(range(400))
    await shop.until(lambda: len(shop.busy) == 20)
    second = await replica().start()
    # Those are free that no handler is at: 20 keys are not in all of them for sure.
    await asyncio.sleep(10 * 0.05)
    assert {by for by, *_ in shop.handled} == set()
    first.may_end.set()
    async with asyncio.timeout(limit):
        await parts(first, second, sizes=(4, 4))
    await shop.has(400)
    assert {by for by, *_ in shop.handled} == {0, 1}
    # Nothing twice, and nothing out of order.
    assert len(shop.handled) == 400
    assert shop.overtaken() == {}


@both
async def test_order_is_kept_while_replicas_come_and_go(replica, shop, send, limit):
    crew = [await replica().start()]
    await crew[0].holds(8)
    ended = asyncio.Event()

    async def publish():
        count = 0
        while not ended.is_set():
            await send(range(count, count + 50))
            count += 50
            await asyncio.sleep(0.01)
        return count

    publishing = asyncio.create_task(publish())
    async with asyncio.timeout(limit):
        crew.append(await replica().start())
        await parts(*crew, sizes=(4, 4))
        crew.append(await replica().start())
        await parts(*crew, sizes=(2, 3, 3))
        await crew.pop(0).stop()
        await parts(*crew, sizes=(4, 4))
        await crew.pop(0).stop()
        await crew[0].holds(8)
    ended.set()
    count = await publishing
    await shop.has(count)
    assert shop.overtaken() == {}
    assert len(shop.handled) == count


@both
async def test_what_failed_is_handled_again_by_the_next_one_before_the_rest(
    replica, shop, send, limit
):
    given = {"options": {Events.ON_EXCEPTION: Retry(attempts=50, delay=5)}}
    first = await replica(**given).start()
    await first.holds(8)
    first.failing = dict.fromkeys(range(20), 1000)
    await send(range(100))
    # The first of each key waits for its next attempt, and all others for that.
    await shop.until(lambda: sum(1000 - left for left in first.failing.values()) == 20)
    second = await replica(**given).start()
    async with asyncio.timeout(limit):
        await parts(first, second, sizes=(4, 4))
    first.failing.clear()
    await first.stop()
    await shop.has(100)
    assert shop.overtaken() == {}
    assert len(shop.handled) == 100


async def test_who_loses_its_connections_has_a_part_again(replica, shop, send, limit):
    first, second = await replica().start(), await replica().start()
    async with asyncio.timeout(limit):
        await parts(first, second, sizes=(4, 4))
        await first.lose_connections()
        await parts(first, second, sizes=(4, 4))
    await send(range(100))
    await shop.has(100)
    assert shop.overtaken() == {}
    assert first.app.problems == second.app.problems == []


async def test_a_paused_route_keeps_its_shards(replica, shop, send, limit):
    first, second = await replica().start(), await replica().start()
    async with asyncio.timeout(limit):
        await parts(first, second, sizes=(4, 4))
    first.app.pause(first.handler)
    await send(range(100), keys=100)
    await shop.until(lambda: len(shop.handled) > 10)
    first.app.resume(first.handler)
    await shop.has(100)
    assert len(shop.handled) == 100


async def test_a_paused_route_hands_over(replica, shop, send, limit):
    first = await replica().start()
    await first.holds(8)
    first.app.pause(first.handler)
    await send(range(100), keys=100)
    second = await replica().start()
    await second.holds(4)
    first.app.resume(first.handler)
    await shop.has(100)
    assert len(shop.handled) == 100


async def test_a_rate_is_shared_among_replicas(replica, limit):
    rate = {Options.RATE: Rate(100, per=1, shared=True)}
    first, second = replica(options=rate), replica(options=rate)
    for one in (first, second):
        await one.start()
    async with asyncio.timeout(limit):
        await parts(first, second, sizes=(4, 4))


async def test_the_order_is_that_of_the_header_unless_said_otherwise(replica):
    [usual] = replica().app.routes
    assert usual.options.order_by == "key"
    [other] = replica(options={Options.ORDER_BY: "other"}).app.routes
    assert other.options.order_by == "other"
    [none] = replica(options={Options.ORDER_BY: None}).app.routes
    assert none.options.order_by is None


async def test_nothing_is_left_at_the_end(replica, shards, admin, logs, limit):
    tasks = asyncio.all_tasks()
    first, second = await replica().start(), await replica().start()
    await first.holds(4)
    await second.holds(4)
    await first.stop()
    await second.stop()
    async with asyncio.timeout(limit):
        # What the library ends after its connection.
        while asyncio.all_tasks() - tasks:  # noqa: ASYNC110
            await asyncio.sleep(0)
    for name in (shards.members_queue, *map(shards.lock_queue, range(8)), shards.more_queue(0)):
        # Declared by another, each would be refused.
        queue = await admin.declare_queue(name, exclusive=True, durable=False)
        await queue.delete()
    assert logs.errors == []


async def test_of_one_key_all_go_to_one_shard(replica, send, shards, admin):
    one = await replica().start()
    await one.holds(8)
    await one.stop()
    await send(range(20), keys=1)
    depths = []
    for queue in shards.queues:
        found = await admin.declare_queue(queue.name, passive=True)
        depths.append(found.declaration_result.message_count)
    assert sorted(depths) == [0] * 7 + [20]
    assert Queue(shards.name).name == shards.exchange_name
