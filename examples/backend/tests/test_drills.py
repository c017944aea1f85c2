"""Workers and a Redis that are killed: nothing is lost, and what ends in order repeats nothing."""

import asyncio
import signal
from contextlib import suppress

from redis.exceptions import RedisError


async def publish(redis, count):
    """Append entries; return their ids."""
    async with redis.pipeline(transaction=False) as pipe:
        for number in range(count):
            pipe.xadd("orders", {"body": f'{{"number": {number}}}'})
        return set(await pipe.execute())


async def unsettled(redis):
    [group] = await redis.xinfo_groups("orders")
    return group["pending"] + (group["lag"] or 0)


async def test_what_a_killed_worker_was_at_is_handled_by_another(redis, start, until):
    ids = await publish(redis, 200)
    killed = await start(SECONDS="60", CLAIM_AFTER="1")
    await until(lambda: killed.begun)
    killed.send(signal.SIGKILL)
    await killed.end()
    assert not killed.handled
    other = await start(CLAIM_AFTER="1")
    await until(lambda: set(other.handled) == ids)
    assert set(killed.begun) <= set(other.handled)
    await until(lambda: nothing_left(redis))


async def nothing_left(redis):
    return not await unsettled(redis)


async def test_nothing_is_lost_when_redis_is_killed(redis, node, start, until):
    worker = await start(CLAIM_AFTER="1", SECONDS="0.01")
    confirmed = set()
    is_over = asyncio.Event()

    async def publishing():
        while not is_over.is_set():
            # What is not confirmed may be there or not.
            with suppress(RedisError, OSError):
                confirmed.add(await redis.xadd("orders", {"body": str(len(confirmed))}))
            await asyncio.sleep(0.001)

    task = asyncio.create_task(publishing())
    for _ in range(2):
        before = len(worker.handled)
        await until(lambda before=before: len(worker.handled) > before + 40)
        node.kill()
        node.start()
    is_over.set()
    await task
    await until(lambda: confirmed <= set(worker.handled))
    worker.send(signal.SIGTERM)
    assert await worker.end() == 0
    assert len(confirmed) > 80


async def test_a_drain_under_load_has_no_message_handled_twice(redis, start, until):
    ids = await publish(redis, 1000)
    first = await start(SECONDS="0.05")
    await until(lambda: len(first.handled) > 100)
    first.send(signal.SIGTERM)
    assert await first.end() == 0
    assert first.begun == first.handled
    assert len(first.handled) < 1000
    # What the first put back is claimed at once, and not after a minute.
    second = await start()
    await until(lambda: set(first.handled) | set(second.handled) == ids)
    assert set((first.handled + second.handled).values()) == {1}
    await until(lambda: nothing_left(redis))


async def test_a_worker_that_ended_in_order_is_no_consumer_any_more(redis, start, until):
    await publish(redis, 10)
    worker = await start()
    await until(lambda: len(worker.handled) == 10)
    worker.send(signal.SIGTERM)
    assert await worker.end() == 0
    assert await redis.xinfo_consumers("orders", "billing") == []
