"""Two replicas that share the shards of a queue; each customer's orders are with one of them."""

import asyncio
import os
from contextlib import AsyncExitStack

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.health import health
from asyncworker.rabbitmq import Message, Queue, Shards

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "memory://")
ORDERS = Shards(Queue("example-orders"), 8, by="customer")


def replica(name, booked):
    """Return an app; in earnest each is a process."""
    app = App(connections=[AMQPConnection(url=URL)])

    @app.route([ORDERS], type=RouteTypes.AMQP_RABBITMQ)
    async def book(messages):
        for message in messages:
            print(f"{name}: {message.headers['customer']}, order {message.body}", flush=True)
            booked.release()

    return app


async def have(app, shards):
    """Wait until an app consumes so many shards."""
    while [one["state"] for one in health(app)["routes"]].count("working") != shards:  # noqa: ASYNC110
        await asyncio.sleep(0.05)


async def main():
    booked = asyncio.Semaphore(0)
    first, second = replica("the first", booked), replica("the second", booked)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(first.started())
        await have(first, 8)
        async with second.started():
            await have(second, 4)
            messages = [
                Message(number, exchange=ORDERS.exchange_name, headers={"customer": customer})
                for number in (1, 2)
                for customer in ("ann", "bob", "cy", "dan", "eve", "fay")
            ]
            await second["rabbitmq_connection"].put_many(messages)
            for _ in messages:
                await booked.acquire()
            await stack.aclose()
            await have(second, 8)
            print("the first has ended, and the second has all", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
