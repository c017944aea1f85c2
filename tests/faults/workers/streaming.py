"""Reads a stream from the place that a file keeps; the handler fails for some, the first time."""

import asyncio
import os
import random

from recorder import note

from asyncworker import App, Events, FileCursor, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Retry

PREFETCH = 200
FAILING = int(os.environ.get("FAILING", "0"))
"""Every so many messages one fails; 0 for none."""

app = App(connections=[AMQPConnection(url=os.environ["URL"], prefetch=PREFETCH)])


@app.route(
    os.environ["QUEUES"].split(","),
    type=RouteTypes.AMQP_RABBITMQ,
    offset="first",
    cursor=FileCursor(os.environ["PLACE"]),
    options={
        Options.BULK_SIZE: 1 if FAILING else 20,
        Options.BULK_FLUSH_INTERVAL: 0.1,
        Options.MAX_CONCURRENCY: 8 if FAILING else 1,
        Events.ON_EXCEPTION: Retry(attempts=3, delay=0.05),
    },
)
async def handler(messages):
    # Slow enough for something to be left for each restart.
    await asyncio.sleep(random.uniform(0.005, 0.015))
    if FAILING and messages[0].offset % FAILING == 0 and messages[0].attempt < 2:
        raise ConnectionError("no answer")
    for message in messages:
        note("handled", [message], offset=message.offset)


app.run()
