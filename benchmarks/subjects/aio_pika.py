"""aio-pika: `queue.consume` with `message.process()`, as its quick start shows."""

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from benchmarks import jobs
from benchmarks.messages import body, changed
from benchmarks.window import Result, memory, publish_all, window

ACKS_UNDER_WAY = 0.2
SETTLED_AFTER = 1.5


async def consume(job: jobs.Consume) -> Result:
    """Consume by a callback."""
    done = asyncio.Event()
    measured = window(job, done.set)

    async def on_message(message: AbstractIncomingMessage) -> None:
        async with message.process():
            value = json.loads(message.body)
            if job.pause:
                await asyncio.sleep(job.pause)
            measured.add((value,))

    async with await aio_pika.connect_robust(job.url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=job.prefetch)
        queue = await channel.declare_queue(job.queue, durable=True)
        await queue.consume(on_message)
        await done.wait()
        await asyncio.sleep(ACKS_UNDER_WAY)
    return measured.result()


async def forward(job: jobs.Forward) -> Result:
    """Consume by a callback that publishes before it acknowledges."""
    done = asyncio.Event()
    measured = window(job, done.set)

    async with await aio_pika.connect_robust(job.url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=job.prefetch)
        queue = await channel.declare_queue(job.queue, durable=True)
        exchange = channel.default_exchange

        async def on_message(message: AbstractIncomingMessage) -> None:
            async with message.process():
                value = changed(json.loads(message.body))
                await exchange.publish(message_of(value), routing_key=job.target)
                measured.add((value,))

        await queue.consume(on_message)
        await done.wait()
        await asyncio.sleep(ACKS_UNDER_WAY)
    return measured.result()


async def publish(job: jobs.Publish) -> Result:
    """Publish to the default exchange; channels confirm unless told otherwise."""
    value = body(job.size)
    async with await aio_pika.connect_robust(job.url) as connection:
        channel = await connection.channel()
        exchange = channel.default_exchange

        def publish_one() -> Awaitable[object]:
            return exchange.publish(message_of(value), routing_key=job.queue)

        return await publish_all(job, publish_one)


def message_of(value: Any) -> aio_pika.Message:
    """Return a persistent message."""
    return aio_pika.Message(
        json.dumps(value).encode(),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


async def idle(job: jobs.Idle) -> Result:
    """Consume a queue that stays empty."""

    async def on_message(message: AbstractIncomingMessage) -> None:
        pass

    async with await aio_pika.connect_robust(job.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(job.queue, durable=True)
        await queue.consume(on_message)
        await asyncio.sleep(SETTLED_AFTER)
        return {"rss_mb": memory()}
