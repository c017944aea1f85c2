"""A worker that does all that can be measured, several times a second."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from asyncworker import App, Events, Options, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.feed import Statistics
from asyncworker.http import SSEEvent
from asyncworker.metrics import exposition
from asyncworker.rabbitmq import Queue, Retry
from scripts.rabbitmq.probe import HOST

SECRET = "4111-1111"
"""What messages, events, URLs and errors hold, and labels must not."""


class Scraped:
    """Wait until somebody has come for the metrics so many times more."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._times = 0

    async def note(self) -> None:
        async with self._changed:
            self._times += 1
            self._changed.notify_all()

    async def again(self, times: int = 1) -> None:
        async with self._changed:
            wanted = self._times + times
            await self._changed.wait_for(lambda: self._times >= wanted)


def shop(broker: str, port: int, scraped: Scraped) -> App:
    """Return an app that gives all that is measured something to do."""
    main = AMQPConnection(url=broker, name="main")
    app = App(connections=[main, SSEConnection(url=f"http://{HOST}:{port}")])
    queue = Queue(f"metrics-{secrets.token_hex(4)}", auto_delete=True)
    numbers = count()
    declare_batches(app, queue)
    declare_requests(app)
    declare_metrics(app, scraped)

    @app.run_every(0.1)
    async def buy() -> None:
        number = next(numbers)
        await main.put({"number": number, "card": SECRET}, routing_key=queue.name)
        if number % 4 == 0:
            raise ValueError(SECRET)

    return app


def declare_batches(app: App, queue: Queue) -> None:
    options = {Options.BULK_SIZE: 2, Options.BULK_FLUSH_INTERVAL: 0.05}
    retry = {Events.ON_EXCEPTION: Retry(delay=0.1, attempts=2)}

    @app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=options | retry)
    async def store(messages: list[Any]) -> None:
        if any(message.body["number"] % 3 == 0 for message in messages):
            raise ValueError(SECRET)

    @app.route(["/prices"], type=RouteTypes.SSE, options=options)
    async def follow(events: list[Any]) -> None:
        pass


def declare_requests(app: App) -> None:
    @app.http.get("/orders/{number}")
    async def order(number: int) -> str:
        if number % 2:
            raise ValueError(SECRET)
        return "an order"

    @app.http.get("/prices")
    async def prices() -> AsyncIterator[SSEEvent]:
        for number in count():
            yield SSEEvent(SECRET, str(number))
            await asyncio.sleep(0.05)


def declare_metrics(app: App, scraped: Scraped) -> None:
    statistics = Statistics()
    app.feed.add(statistics)

    @app.http.get("/metrics")
    async def metrics() -> str:
        await scraped.note()
        return exposition(app, statistics).decode()
