"""Has its part of the shards of a queue, or of the queue where that is not divided."""

import asyncio
import os
import random

from recorder import note

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue, Shards

PREFETCH = 10
NAME = "divided"

connection = AMQPConnection(
    url=os.environ["URL"], prefetch=PREFETCH, heartbeat=int(os.environ.get("HEARTBEAT", "60"))
)
app = App(connections=[connection])
queue = Queue(NAME, type=os.environ["KIND"], dead_letter=True)
shards = int(os.environ["SHARDS"])


@app.route(
    [Shards(queue, shards, by="customer") if shards else queue],
    type=RouteTypes.AMQP_RABBITMQ,
    options={Options.ORDER_BY: "customer"},
)
async def handler(messages):
    (message,) = messages
    # Noted as it begins: what is stopped in between was handled for the first time then.
    note("begun", messages, by=os.getpid(), queue=message.queue)
    lasts = float(os.environ["LASTS"])
    # Whoever is not kept in order overtakes.
    await asyncio.sleep(lasts or random.random() / 100)
    note("handled", messages, by=os.getpid(), queue=message.queue)


app.run()
