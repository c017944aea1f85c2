"""Handles whatever comes, in bulk."""

import asyncio
import os

from recorder import note

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection

PREFETCH = int(os.environ.get("PREFETCH", "50"))
BULK_SIZE = int(os.environ.get("BULK_SIZE", "7"))
FLUSH_INTERVAL = float(os.environ.get("FLUSH_INTERVAL", "0.1"))
PAUSE = float(os.environ.get("PAUSE", "0.01"))

app = App(connections=[AMQPConnection(url=os.environ["URL"], prefetch=PREFETCH)])


@app.run_on_startup
async def started(app):
    note("starting")


@app.route(
    os.environ["QUEUES"].split(","),
    type=RouteTypes.AMQP_RABBITMQ,
    options={Options.BULK_SIZE: BULK_SIZE, Options.BULK_FLUSH_INTERVAL: FLUSH_INTERVAL},
)
async def handler(messages):
    note("started", messages)
    await asyncio.sleep(PAUSE)
    note("handled", messages, bulk=len(messages))


app.run()
