"""Begins with whatever comes, and never ends."""

import asyncio
import os

from recorder import note

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[AMQPConnection(url=os.environ["URL"])])


@app.route(os.environ["QUEUES"].split(","), type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    note("started", messages)
    await asyncio.Event().wait()


app.run()
