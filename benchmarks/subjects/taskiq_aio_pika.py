"""taskiq-aio-pika: a task that takes the decoded message, run by a receiver in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from taskiq import TaskiqMessage
from taskiq.api import run_receiver_task
from taskiq_aio_pika import AioPikaBroker, Exchange, Queue, QueueType

from benchmarks import jobs
from benchmarks.messages import body
from benchmarks.window import Result, memory, publish_all, window

TASK = "handle"
EXCHANGE = "asyncworker-bench-taskiq"
DEAD = "asyncworker-bench-taskiq-dead"
ACKS_UNDER_WAY = 0.2
SETTLED_AFTER = 1.5


def new_broker(url: str, queue: str, prefetch: int) -> AioPikaBroker:
    """Return a broker on a queue that is there already."""
    return AioPikaBroker(
        url,
        qos=prefetch,
        exchange=Exchange(name=EXCHANGE),
        task_queues=[Queue(name=queue, declare=False)],
        dead_letter_queue=Queue(name=DEAD, type=QueueType.CLASSIC),
    )


def envelope(value: Any) -> tuple[bytes, dict[str, Any]]:
    """Return the value as taskiq sends it: a body, and headers."""
    message = TaskiqMessage(
        task_id="0" * 32, task_name=TASK, labels={}, labels_types={}, args=[value], kwargs={}
    )
    sent = AioPikaBroker().formatter.dumps(message)
    return sent.message, {"task_id": sent.task_id, "task_name": sent.task_name}


async def consume(job: jobs.Consume) -> Result:
    """Consume by a task, as many at once as the others handle."""
    done = asyncio.Event()
    measured = window(job, done.set)
    broker = new_broker(job.url, job.queue, job.prefetch)

    @broker.task(task_name=TASK)
    async def handle(value: dict[str, Any]) -> None:
        if job.pause:
            await asyncio.sleep(job.pause)
        measured.add((value,))

    async with receiving(broker, job.prefetch):
        await done.wait()
    return measured.result()


@asynccontextmanager
async def receiving(broker: AioPikaBroker, tasks: int) -> AsyncIterator[None]:
    """Run a receiver while the context lasts."""
    receiver = asyncio.create_task(
        run_receiver_task(broker, run_startup=True, max_async_tasks=tasks)
    )
    yield
    await asyncio.sleep(ACKS_UNDER_WAY)
    receiver.cancel()
    with suppress(asyncio.CancelledError):
        await receiver
    await broker.shutdown()


async def publish(job: jobs.Publish) -> Result:
    """Publish by `kiq()`."""
    message = body(job.size)
    broker = new_broker(job.url, job.queue, 1)

    @broker.task(task_name=TASK)
    async def handle(value: dict[str, Any]) -> None:
        pass

    await broker.startup()
    if broker.write_channel is None:
        raise RuntimeError("the broker did not connect")
    queue = await broker.write_channel.get_queue(job.queue)
    await queue.bind(EXCHANGE, routing_key=job.queue)
    result = await publish_all(job, lambda: handle.kiq(message))
    await broker.shutdown()
    return result


async def idle(job: jobs.Idle) -> Result:
    """Consume a queue that stays empty."""
    async with receiving(new_broker(job.url, job.queue, 10), 100):
        await asyncio.sleep(SETTLED_AFTER)
        return {"rss_mb": memory()}
