"""The main job: a worker on a live queue, with a stream of messages, until Ctrl-C.

Run it by `hatch run demo`, which brings a RabbitMQ when there is none.
"""

import asyncio
import os

import aio_pika

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection

URL = os.environ.get("ASYNCWORKER_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
QUEUE = "asyncworker-demo"

app = App(connections=[AMQPConnection(url=URL, prefetch=256)])


@app.route(
    [QUEUE],
    type=RouteTypes.AMQP_RABBITMQ,
    options={Options.BULK_SIZE: 10, Options.BULK_FLUSH_INTERVAL: 1},
)
async def drain_handler(messages):
    for message in messages:
        app["handled"] += 1
        print(f"handled {message.body}")


@app.run_on_startup
async def prepare(app):
    app["handled"] = 0
    connection = await aio_pika.connect(URL)
    async with connection, connection.channel() as channel:
        await channel.declare_queue(QUEUE, durable=True)
    app["feeding"] = asyncio.create_task(feed())


async def feed():
    """Publish ten messages a second, for the worker to have something to do."""
    number = 0
    while True:
        number += 1
        await app["rabbitmq_connection"].put(body={"number": number}, routing_key=QUEUE)
        await asyncio.sleep(0.1)


@app.run_on_shutdown
async def finish(app):
    app["feeding"].cancel()
    await asyncio.wait([app["feeding"]])
    print(f"done: {app['handled']} messages handled")


if __name__ == "__main__":
    print("Ctrl-C ends the demo")
    app.run()
