"""Handles numbers, in bulk, and keeps a record of them that takes two bytes a number."""

import mmap
import os

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection

NUMBERS = int(os.environ["NUMBERS"])

record = os.open(os.environ["RECORD"], os.O_RDWR | os.O_CREAT)
os.truncate(record, 2 * NUMBERS)
# What is written is in the file at once, even when the worker is killed.
tally = mmap.mmap(record, 2 * NUMBERS)

app = App(connections=[AMQPConnection(url=os.environ["URL"], prefetch=1000)])


@app.route(
    os.environ["QUEUES"].split(","),
    type=RouteTypes.AMQP_RABBITMQ,
    options={Options.BULK_SIZE: 100, Options.BULK_FLUSH_INTERVAL: 0.1},
)
async def handler(messages):
    for message in messages:
        tally[message.body] += 1
        tally[NUMBERS + message.body] += message.redelivered


app.run()
