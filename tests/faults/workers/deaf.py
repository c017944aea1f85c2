"""Begins with whatever comes, never ends, and takes no cancellation for an answer."""

import asyncio
import os

from recorder import note

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[AMQPConnection(url=os.environ["URL"])])


@app.route(os.environ["QUEUES"].split(","), type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    note("started", messages)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            note("cancelled", messages)


app.run()
