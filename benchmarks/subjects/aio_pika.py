"""aio-pika: `queue.consume` with `message.process()`, as its quick start shows."""

import asyncio
import json
from collections.abc import Awaitable

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from benchmarks import jobs
from benchmarks.messages import body
from benchmarks.window import Result, memory, publish_all, window

ACKS_UNDER_WAY = 0.2
SETTLED_AFTER = 1.5


def consume(job: jobs.Consume) -> Result:
    """Consume by a callback."""

    async def main() -> Result:
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

    return asyncio.run(main())


def publish(job: jobs.Publish) -> Result:
    """Publish to the default exchange; channels confirm unless told otherwise."""

    async def main() -> Result:
        value = body(job.size)

        async with await aio_pika.connect_robust(job.url) as connection:
            channel = await connection.channel()
            exchange = channel.default_exchange

            def publish_one() -> Awaitable[object]:
                message = aio_pika.Message(
                    json.dumps(value).encode(),
                    content_type="application/json",
                    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                )
                return exchange.publish(message, routing_key=job.queue)

            return await publish_all(job, publish_one)

    return asyncio.run(main())


def idle(job: jobs.Idle) -> Result:
    """Consume a queue that stays empty."""

    async def main() -> Result:
        async def on_message(message: AbstractIncomingMessage) -> None:
            pass

        async with await aio_pika.connect_robust(job.url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(job.queue, durable=True)
            await queue.consume(on_message)
            await asyncio.sleep(SETTLED_AFTER)
            return {"rss_mb": memory()}

    return asyncio.run(main())
