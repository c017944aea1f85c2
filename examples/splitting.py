"""A batch that fails, split until the message that is wrong stands alone; it ends by itself."""

import asyncio
import os

from asyncworker import App, Events, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Message, Queue, Split

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
READINGS = Queue("example-readings", dead_letter=True)

app = App(connections=[AMQPConnection(url=URL)])


@app.route(
    [READINGS],
    type=RouteTypes.AMQP_RABBITMQ,
    options={
        Options.BULK_SIZE: 8,
        Options.MAX_CONCURRENCY: 1,
        Events.ON_EXCEPTION: Split(),
    },
)
async def store(messages):
    bodies = [message.body for message in messages]
    if None in bodies:
        print(f"refused: {bodies}", flush=True)
        raise ValueError("a reading is missing")
    print(f"stored: {bodies}", flush=True)
    for _ in bodies:
        app["ended"].release()


@app.route(["example-readings.dead"], type=RouteTypes.AMQP_RABBITMQ)
async def lament(messages):
    for message in messages:
        print(f"dead: {message.headers['x-asyncworker-error']}", flush=True)
        app["ended"].release()


async def main():
    app["ended"] = asyncio.Semaphore(0)
    readings = [1, 2, 3, 4, 5, None, 7, 8]
    async with app.started():
        connection = app["rabbitmq_connection"]
        await connection.put_many([Message(one, READINGS.name) for one in readings])
        for _ in readings:
            await app["ended"].acquire()


if __name__ == "__main__":
    asyncio.run(main())
