"""A route that waits while its database is down, and goes on after that; it ends by itself."""

import asyncio
import os
from itertools import count

from asyncworker import App, Breaker, Events, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Message, Queue, Retry

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
ORDERS = Queue("example-purchases", dead_letter=True)

app = App(connections=[AMQPConnection(url=URL)])
asked = count(1)


@app.route(
    [ORDERS],
    type=RouteTypes.AMQP_RABBITMQ,
    options={
        Options.MAX_CONCURRENCY: 1,
        Options.BREAKER: Breaker(failures=1, of=2, pause=0.5, on=ConnectionError),
        Events.ON_EXCEPTION: Retry(attempts=5, delay=1),
    },
)
async def store(messages):
    for message in messages:
        if next(asked) <= 3:
            print(f"order {message.body} failed", flush=True)
            raise ConnectionError("the database does not answer")
        print(f"order {message.body} stored by attempt {message.attempt}", flush=True)
        app["ended"].release()


async def main():
    app["ended"] = asyncio.Semaphore(0)
    orders = [1, 2, 3, 4]
    async with app.started():
        connection = app["rabbitmq_connection"]
        await connection.put_many([Message(order, ORDERS.name) for order in orders])
        for _ in orders:
            await app["ended"].acquire()


if __name__ == "__main__":
    asyncio.run(main())
