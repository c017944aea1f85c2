"""FastStream: a subscriber that takes the decoded body; its log of each message is off."""

import asyncio
import signal
from contextlib import suppress
from typing import Any

from faststream import FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

from benchmarks import jobs, models
from benchmarks.messages import body, changed
from benchmarks.window import Result, memory, publish_all, window

SETTLED_AFTER = 1.5


def consume(job: jobs.Consume) -> Result:
    """Consume by a subscriber."""
    broker = broker_of(job)
    app = FastStream(broker, logger=None)
    measured = window(job, app.exit)
    queue = RabbitQueue(job.queue, durable=True)
    body_type = models.order(job.model) if job.model else dict[str, Any]

    @broker.subscriber(queue, channel=Channel(prefetch_count=job.prefetch))
    async def handler(value: body_type) -> None:  # type: ignore[valid-type]
        if job.pause:
            await asyncio.sleep(job.pause)
        measured.add((value,))

    asyncio.run(app.run())
    return measured.result()


def forward(job: jobs.Forward) -> Result:
    """Consume by a subscriber that is a publisher too, which waits for confirms by default."""
    broker = broker_of(job)
    app = FastStream(broker, logger=None)
    measured = window(job, app.exit)
    queue = RabbitQueue(job.queue, durable=True)

    @broker.subscriber(queue, channel=Channel(prefetch_count=job.prefetch))
    @broker.publisher(job.target, persist=True)
    async def handler(value: dict[str, Any]) -> dict[str, Any]:
        measured.add((value,))
        return changed(value)

    asyncio.run(app.run())
    return measured.result()


def broker_of(job: jobs.Consume) -> RabbitBroker:
    """Return a broker that validates by the library of the model."""
    if job.model != "msgspec":
        return RabbitBroker(job.url, logger=None)
    # A subject that takes no struct has no part of this in memory.
    from fast_depends.msgspec import MsgSpecSerializer

    return RabbitBroker(job.url, logger=None, serializer=MsgSpecSerializer())


async def publish(job: jobs.Publish) -> Result:
    """Publish by the broker, persistently; it waits for confirms unless told otherwise."""
    message = body(job.size)
    async with RabbitBroker(job.url, logger=None) as broker:
        return await publish_all(
            job, lambda: broker.publish(message, queue=job.queue, persist=True)
        )


async def ask(job: jobs.Ask) -> Result:
    """Ask by `request()`; it lets one question go at a time."""
    question = body(job.size)
    async with RabbitBroker(job.url, logger=None) as broker:

        async def ask_one() -> None:
            answer = await broker.request(question, queue=job.queue)
            await answer.decode()

        return await publish_all(job, ask_one)


def idle(job: jobs.Idle) -> Result:
    """Consume a queue that stays empty; with everything, answer HTTP on uvicorn too."""
    broker = RabbitBroker(job.url, logger=None)
    app = with_http(broker) if job.everything else FastStream(broker, logger=None)
    taken: Result = {}

    @broker.subscriber(RabbitQueue(job.queue, durable=True))
    async def handler(value: dict[str, Any]) -> None:
        pass

    @app.after_startup
    async def started() -> None:
        asyncio.get_running_loop().call_later(SETTLED_AFTER, finish)

    def finish() -> None:
        taken["rss_mb"] = memory()
        # On uvicorn, which it starts itself, `app.exit()` has nothing to end.
        signal.raise_signal(signal.SIGINT)

    options = {"host": "127.0.0.1", "port": job.port} if job.everything else None
    with suppress(KeyboardInterrupt):
        asyncio.run(app.run(run_extra_options=options))
    return taken


def with_http(broker: RabbitBroker) -> Any:
    """Return an app that answers HTTP beside its broker."""
    # An app without HTTP has no part of this in memory.
    from faststream.asgi import AsgiFastStream, AsgiResponse, get

    @get
    async def answer(scope: Any) -> AsgiResponse:
        return AsgiResponse(b"", 200)

    return AsgiFastStream(broker, logger=None, asgi_routes=[("/", answer)])
