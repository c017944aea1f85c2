"""async-worker 0.20.2, the system that asyncworker rebuilds; runs in an environment of its own.

It is imported as `asyncworker` too, so type checkers see the new one here.
"""

import asyncio
import time
from typing import Any

from aiohttp import web

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.utils import Timeit
from benchmarks import jobs
from benchmarks.window import Result, Window, memory, window

ACKS_UNDER_WAY = 0.3
SETTLED_AFTER = 1.5


def connection(url: str, prefetch: int) -> AMQPConnection:
    """Return a connection; it takes no URL."""
    address = jobs.Address.of(url)
    return AMQPConnection(
        hostname=address.host,
        port=address.port,
        username=address.user,
        password=address.password,
        prefetch=prefetch,
    )


def consume(job: jobs.Consume) -> Result:
    """Consume with one route for each queue."""
    app = new_app([connection(job.url, job.prefetch)])
    measured = window(job, lambda: app.loop.call_later(ACKS_UNDER_WAY, app.shutdown))

    async def handler(messages: list[Any]) -> None:
        bodies = [message.body for message in messages]
        if job.pause:
            await asyncio.sleep(job.pause)
        measured.add(bodies)

    vhost = jobs.Address.of(job.url).vhost
    for queue in job.queues:
        # Its clock ticks at the start too, which leaves less than a batch for the end.
        options = {Options.BULK_SIZE: job.bulk, Options.BULK_FLUSH_INTERVAL: 1}
        route = app.route([queue], type=RouteTypes.AMQP_RABBITMQ, vhost=vhost, options=options)
        route(handler)
    app.run()
    return measured.result()


def new_app(connections: list[AMQPConnection]) -> Any:
    """Return an app, on the event loop that it expects to find."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    return App(connections=connections)


def serve(job: jobs.Serve) -> None:
    """Answer with what its README shows; the port comes by the environment."""
    from asyncworker.http.types import PathParam  # type: ignore[import-untyped]

    app = new_app([])

    @app.route(["/"], methods=["GET"], type=RouteTypes.HTTP)
    async def plain(request: web.Request) -> web.Response:
        return web.Response(text="Hello world")

    @app.http.get(["/orders/{number}"])
    async def order(number: PathParam[int]) -> web.Response:
        return web.Response(text=f"order {await number.unpack()}")

    @app.route(["/orders"], methods=["POST"], type=RouteTypes.HTTP)
    async def create(request: web.Request) -> web.Response:
        return web.json_response(await request.json())

    @app.route(["/cpu"], methods=["GET"], type=RouteTypes.HTTP)
    async def cpu(request: web.Request) -> web.Response:
        return web.Response(text=str(time.process_time()))

    app.run()


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
    """Run a worker with a queue and a URL."""
    app = new_app([connection(job.url, 128)])
    taken: Result = {}
    vhost = jobs.Address.of(job.url).vhost

    @app.route([job.queue], type=RouteTypes.AMQP_RABBITMQ, vhost=vhost)
    async def consume(messages: list[Any]) -> None:
        pass

    @app.route(["/"], methods=["GET"], type=RouteTypes.HTTP)
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="")

    def finish() -> None:
        taken["rss_mb"] = memory()
        app.shutdown()

    app.loop.call_later(SETTLED_AFTER, finish)
    app.run()
    return taken
