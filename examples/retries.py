"""Messages that are tried again later, kept by the broker meanwhile; it ends by itself."""

import asyncio
import os

from asyncworker import Actions, App, Events, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue, Retry

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
JOBS = Queue("example-jobs", dead_letter=True)

app = App(connections=[AMQPConnection(url=URL)])


@app.route(
    [JOBS],
    type=RouteTypes.AMQP_RABBITMQ,
    options={
        Events.ON_EXCEPTION: {
            ConnectionError: Retry(attempts=3, delay=0.2, factor=2),
            ValueError: Actions.REJECT,
        }
    },
)
async def work(messages):
    for message in messages:
        print(f"{message.body}: attempt {message.attempt}", flush=True)
        match message.body:
            case "succeeds at last" if message.attempt < 3:
                raise ConnectionError("not yet")
            case "never succeeds":
                raise ConnectionError("never")
            case "makes no sense":
                raise ValueError("nonsense")
            case "is too early" if message.attempt == 1:
                message.retry(delay=0.5)
            case _:
                app["ended"].release()


@app.route(["example-jobs.dead"], type=RouteTypes.AMQP_RABBITMQ)
async def lament(messages):
    for message in messages:
        print(f"{message.body}: dead", flush=True)
        app["ended"].release()


async def main():
    app["ended"] = asyncio.Semaphore(0)
    jobs = ["succeeds at last", "never succeeds", "makes no sense", "is too early"]
    async with app.started():
        for job in jobs:
            await app["rabbitmq_connection"].put(job, routing_key=JOBS.name)
        for _ in jobs:
            await app["ended"].acquire()


if __name__ == "__main__":
    asyncio.run(main())
