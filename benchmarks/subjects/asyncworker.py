"""asyncworker itself, as its README shows it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Message
from asyncworker.utils import Timeit
from benchmarks import jobs, models
from benchmarks.messages import body, changed
from benchmarks.models.dataclass import Order
from benchmarks.window import Latencies, Result, Window, memory, publish_all, window

SETTLED_AFTER = 1.5


def consume(job: jobs.Consume) -> Result:
    """Consume with one route for each queue."""
    return consume_by(connected(job), job)


def connected(job: jobs.Consume) -> App:
    """Return an app with a connection to RabbitMQ."""
    return App(connections=[AMQPConnection(url=job.url, prefetch=job.prefetch)])


def consume_by(
    app: App, job: jobs.Consume, options: Mapping[Options, Any] = MappingProxyType({})
) -> Result:
    """Consume by an app that is connected, with these options beside the size of batches."""
    measured = window(job, app.shutdown)
    handler = typed(job, measured) if job.model else plain(job, measured)
    for queue in job.queues:
        given = {Options.BULK_SIZE: job.bulk, **options}
        app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=given)(handler)
    app.run()
    return measured.result()


def plain(job: jobs.Consume, measured: Window | Latencies) -> Callable[..., Awaitable[None]]:
    """Return a handler of messages."""

    async def handler(messages: list[Any]) -> None:
        bodies = [message.body for message in messages]
        if job.pause:
            await asyncio.sleep(job.pause)
        measured.add(bodies)

    return handler


def typed(job: jobs.Consume, measured: Window | Latencies) -> Callable[..., Awaitable[None]]:
    """Return a handler of bodies of a type."""
    model = models.order(job.model)

    async def of_one(order: model) -> None:  # type: ignore[valid-type]
        measured.add((order,))

    async def of_many(orders: list[model]) -> None:  # type: ignore[valid-type]
        measured.add(orders)

    return of_many if job.bulk > 1 else of_one


def forward(job: jobs.Forward) -> Result:
    """Consume by a route that publishes what its handler returns."""
    app = connected(job)
    measured = window(job, app.shutdown)

    @app.route(
        [job.queue],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Options.BULK_SIZE: job.bulk},
        publish_to=job.target,
    )
    async def handler(messages: list[Any]) -> list[Any]:
        measured.add(messages)
        return [changed(message.body) for message in messages]

    app.run()
    return measured.result()


async def publish(job: jobs.Publish) -> Result:
    """Publish by `put()`, or a bulk by `put_many()`."""
    message = body(job.size)

    async with AMQPConnection(url=job.url) as connection:

        def put() -> Awaitable[None]:
            return connection.put(body=message, routing_key=job.queue)

        def put_many() -> Awaitable[None]:
            messages = [Message(message, routing_key=job.queue) for _ in range(job.bulk)]
            return connection.put_many(messages)

        return await publish_all(job, put_many if job.bulk > 1 else put, each=job.bulk)


async def ask(job: jobs.Ask) -> Result:
    """Ask by `ask()`."""
    question = body(job.size)
    async with AMQPConnection(url=job.url) as connection:

        async def ask_one() -> None:
            answer = await connection.ask(question, job.queue)
            # What is not read is not decoded.
            _ = answer.body

        return await publish_all(job, ask_one)


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


async def clock(job: jobs.Clock) -> Result:
    """Time an empty block, with a callback."""

    async def callback(**_: Any) -> None:
        pass

    measured = Window(job.warmup, job.count)
    for count in (job.warmup, job.count):
        for _ in range(count):
            async with Timeit(name="block", callback=callback):
                pass
        measured.add(range(count))
    return measured.result()


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

    async def finish() -> None:
        taken.update(await rest(job.seconds))
        app.shutdown()

    @app.run_on_startup
    async def start(app: App) -> None:
        app["resting"] = asyncio.create_task(finish())

    app.run()
    return taken


async def rest(seconds: int) -> Result:
    """Return what it takes to do nothing, once that has settled."""
    await asyncio.sleep(SETTLED_AFTER)
    taken, before = {"rss_mb": memory()}, time.process_time()
    await asyncio.sleep(seconds)
    if seconds:
        taken["core_percent"] = 100 * (time.process_time() - before) / seconds
    return taken
