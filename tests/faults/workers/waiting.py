"""Waits for SIGUSR1 with the first handling of the message `slow`."""

import asyncio
import os
import signal

from recorder import note

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[AMQPConnection(url=os.environ["URL"], prefetch=10)])


@app.run_on_startup
async def start(app):
    app["released"] = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, app["released"].set)


@app.route(os.environ["QUEUES"].split(","), type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    note("started", messages)
    if messages[0].message_id == "slow":
        await app["released"].wait()
    note("handled", messages)


app.run()
