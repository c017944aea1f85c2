"""The main job: a worker on a live queue, with a stream of messages, until Ctrl-C.

Run it by `hatch run demo`. It needs no server: the broker is in memory, unless ASYNCWORKER_AMQP_URL
names a RabbitMQ.
"""

import asyncio
import os

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection

URL = os.environ.get("ASYNCWORKER_AMQP_URL") or "memory://"
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
    async with app["rabbitmq_connection"].channel() as channel:
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
