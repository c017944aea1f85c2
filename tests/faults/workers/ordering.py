"""Handles what comes in order by key; the handler fails for some, the first two times."""

import asyncio
import os
import random

from recorder import note

from asyncworker import App, Events, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Retry

PREFETCH = 200
FAILING = 997
"""Every so many messages one fails."""

channels = {}
app = App(connections=[AMQPConnection(url=os.environ["URL"], prefetch=PREFETCH)])


@app.route(
    os.environ["QUEUES"].split(","),
    type=RouteTypes.AMQP_RABBITMQ,
    options={
        Options.ORDER_BY: lambda message: message.body % int(os.environ["KEYS"]),
        Events.ON_EXCEPTION: Retry(attempts=3, delay=0.05),
    },
)
async def handler(messages):
    # Whoever is not kept in order overtakes.
    await asyncio.sleep(random.random() / 200)
    if messages[0].body % FAILING == 0 and messages[0].attempt < 3:
        raise ConnectionError("no answer")
    (message,) = messages
    # Kept, or another one might get the same number.
    channels[id(message.channel)] = message.channel
    delivered = {"channel": id(message.channel), "tag": message.delivery_tag}
    note("handled", messages, by=os.getpid(), **delivered)


app.run()
