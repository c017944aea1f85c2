"""Queues, an exchange and bindings that the worker declares; it ends when all is handled."""

import asyncio
import os

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Binding, Exchange, Queue

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
EVENTS = Exchange("example-events", type="topic")
ORDERS = Queue(
    "example-orders",
    bind=[Binding(EVENTS, "order.*")],
    dead_letter=True,
    ttl=3600,
    max_length=100_000,
)

app = App(connections=[AMQPConnection(url=URL)])


@app.route([ORDERS], type=RouteTypes.AMQP_RABBITMQ)
async def store(messages):
    for message in messages:
        print(f"{message.routing_key}: {message.body}", flush=True)
        if message.body == "broken":
            message.reject(requeue=False)


@app.route(["example-orders.dead"], type=RouteTypes.AMQP_RABBITMQ)
async def lament(messages):
    for message in messages:
        print(f"dead letter: {message.body}", flush=True)
        app["ended"].set()


async def main():
    app["ended"] = asyncio.Event()
    async with app.started():
        put = app["rabbitmq_connection"].put
        await put("tea", "order.created", exchange=EVENTS.name)
        await put("broken", "order.created", exchange=EVENTS.name)
        await app["ended"].wait()


if __name__ == "__main__":
    asyncio.run(main())
