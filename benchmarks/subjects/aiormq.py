"""aiormq, bare: a callback that acknowledges each message."""

import asyncio
import json
from typing import Any

import aiormq
from aiormq.abc import DeliveredMessage

from benchmarks import jobs
from benchmarks.messages import body
from benchmarks.window import Result, publish_all, window

ACKS_UNDER_WAY = 0.2


async def consume(job: jobs.Consume) -> Result:
    """Consume by `basic_consume`."""
    done = asyncio.Event()
    measured = window(job, done.set)

    async def on_message(message: DeliveredMessage) -> None:
        value = json.loads(message.body)
        if job.pause:
            await asyncio.sleep(job.pause)
        measured.add((value,))
        tag: Any = message.delivery.delivery_tag  # type: ignore[union-attr]
        await message.channel.basic_ack(tag)

    connection = await aiormq.connect(job.url)
    channel = await connection.channel()
    await channel.basic_qos(prefetch_count=job.prefetch)
    await channel.basic_consume(job.queue, on_message)
    await done.wait()
    await asyncio.sleep(ACKS_UNDER_WAY)
    await connection.close()
    return measured.result()


async def publish(job: jobs.Publish) -> Result:
    """Publish by `basic_publish`, whose channels confirm unless told otherwise."""
    message = body(job.size)
    properties = aiormq.spec.Basic.Properties(content_type="application/json", delivery_mode=2)
    connection = await aiormq.connect(job.url)
    channel = await connection.channel()
    result = await publish_all(
        job,
        lambda: channel.basic_publish(
            json.dumps(message).encode(), routing_key=job.queue, properties=properties
        ),
    )
    await connection.close()
    return result
