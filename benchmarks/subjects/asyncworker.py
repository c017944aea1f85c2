"""asyncworker itself, as its README shows it."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.utils import Timeit
from benchmarks import jobs
from benchmarks.messages import body
from benchmarks.window import Result, Window, memory, publish_all, window

SETTLED_AFTER = 1.5


def consume(job: jobs.Consume) -> Result:
    """Consume with one route for each queue."""
    app = App(connections=[AMQPConnection(url=job.url, prefetch=job.prefetch)])
    measured = window(job, app.shutdown)

    async def handler(messages: list[Any]) -> None:
        bodies = [message.body for message in messages]
        if job.pause:
            await asyncio.sleep(job.pause)
        measured.add(bodies)

    for queue in job.queues:
        options = {Options.BULK_SIZE: job.bulk}
        app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=options)(handler)
    app.run()
    return measured.result()


def publish(job: jobs.Publish) -> Result:
    """Publish by `put()`."""

    async def main() -> Result:
        message = body(job.size)
        async with AMQPConnection(url=job.url) as connection:
            return await publish_all(
                job, lambda: connection.put(body=message, routing_key=job.queue)
            )

    return asyncio.run(main())


@dataclass
class Item:
    """Hold one line of an order."""

    product: str
    amount: int
    price: float
    gift: bool


@dataclass
class Order:
    """Hold an order."""

    id: int
    items: list[Item]
    n: str


def serve(job: jobs.Serve) -> None:
    """Answer with plain values; the port comes by the environment."""
    app = App()

    @app.http.get("/")
    async def plain() -> str:
        return "Hello world"

    @app.http.get("/orders/{number}")
    async def order(number: int) -> str:
        return f"order {number}"

    @app.http.post("/orders")
    async def create(order: Order) -> Order:
        return order

    @app.http.get("/cpu")
    async def cpu() -> str:
        return str(time.process_time())

    for number in range(job.routes):
        app.http.get(f"/other-{number}/{{key}}")(order_of)
    app.run()


async def order_of(key: str) -> str:
    """Answer on a path that is never asked for."""
    return key


def follow(job: jobs.Follow) -> Result:
    """Follow one event stream."""
    app = App(connections=[event_source(job.url)])
    measured = window(job, app.shutdown)

    @app.route([job.path], type=RouteTypes.SSE, options={Options.BULK_SIZE: job.bulk})
    async def handler(events: list[Any]) -> None:
        measured.add([event.body for event in events])

    app.run()
    return measured.result()


def event_source(url: str) -> Any:
    """Return the connection of event streams."""
    # A worker without streams has no part of this in memory.
    from asyncworker.connections import SSEConnection

    return SSEConnection(url=url)


def clock(job: jobs.Clock) -> Result:
    """Time an empty block, with a callback."""

    async def callback(**_: Any) -> None:
        pass

    async def use(times: int) -> None:
        for _ in range(times):
            async with Timeit(name="block", callback=callback):
                pass

    async def main() -> Result:
        measured = Window(job.warmup, job.count, lambda: None)
        for count in (job.warmup, job.count):
            await use(count)
            measured.add(range(count))
        return measured.result()

    return asyncio.run(main())


def idle(job: jobs.Idle) -> Result:
    """Run a worker with a queue, or with every backend."""
    streams = [event_source(job.events)] if job.everything else []
    app = App(connections=[AMQPConnection(url=job.url), *streams])
    taken: Result = {}

    @app.route([job.queue], type=RouteTypes.AMQP_RABBITMQ)
    async def consume(messages: list[Any]) -> None:
        pass

    if job.everything:

        @app.route(["/"], type=RouteTypes.SSE)
        async def follow(events: list[Any]) -> None:
            pass

        @app.http.get("/")
        async def answer() -> str:
            return ""

    def finish() -> None:
        taken["rss_mb"] = memory()
        app.shutdown()

    @app.run_on_startup
    async def start(app: App) -> None:
        asyncio.get_running_loop().call_later(SETTLED_AFTER, finish)

    app.run()
    return taken
