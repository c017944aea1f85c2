"""Handles each message at its third attempt."""

import os

from recorder import note

from asyncworker import App, Events, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Retry

PREFETCH = 50
LAST = 3

app = App(connections=[AMQPConnection(url=os.environ["URL"], prefetch=PREFETCH)])


@app.route(
    os.environ["QUEUES"].split(","),
    type=RouteTypes.AMQP_RABBITMQ,
    options={Events.ON_EXCEPTION: Retry(attempts=LAST, delay=0.2, factor=1)},
)
async def handler(messages):
    (message,) = messages
    if message.attempt < LAST:
        note("failed", messages, attempt=message.attempt)
        raise OSError("on purpose")
    # Whoever handles a message twice can know by either: it was delivered again, or tried again.
    note("handled", id=message.message_id, redelivered=True)


app.run()
