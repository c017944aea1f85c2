"""Plain functions, each call in a thread: while they block, others go on."""

import asyncio
import threading
import time

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue

COUNT = 8
app = App(connections=[AMQPConnection(url="memory://")])


@app.run_on_startup
def connect(app):
    app["lock"] = threading.Lock()
    app["left"] = COUNT


@app.route(
    [Queue("pictures")],
    type=RouteTypes.AMQP_RABBITMQ,
    options={Options.MAX_CONCURRENCY: 4, Options.TIMEOUT: 30},
)
def shrink(messages):
    for message in messages:
        time.sleep(0.2)  # a library that blocks
        with app["lock"]:
            app["left"] -= 1
            print(f"picture {message.body}, {app['left']} left", flush=True)
    if not app["left"]:
        app.shutdown()


@app.run_every(0.1)
async def tick():
    """Show that the event loop is free."""
    app["ticks"] = app.get("ticks", 0) + 1


@app.run_on_shutdown
def disconnect(app):
    print(f"{app['ticks']} ticks meanwhile", flush=True)


async def main():
    async with app.started():
        for number in range(COUNT):
            await app["rabbitmq_connection"].put(number, "pictures")
        await app.stopping


if __name__ == "__main__":
    asyncio.run(main())
