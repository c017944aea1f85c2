"""Publishes what it is given to `drill.out`; halts once, at a step on the way.

STEP: "returned", before anything is published; "published", before it is confirmed; "confirmed",
before the messages are acknowledged; or none. It halts there for good, but for what cancels it.
"""

import asyncio
import os
from contextlib import contextmanager

from recorder import note

from asyncworker import App, Options
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Message
from asyncworker.rabbitmq.publishing.publisher import Publisher

PREFETCH = 50
BULK = 10
HALTS_AT = 5
"""How many times something leaves before it halts."""

app = App(connections=[AMQPConnection(url=os.environ["URL"], prefetch=PREFETCH)])
options = {Options.BULK_SIZE: BULK, Options.BULK_FLUSH_INTERVAL: 0.1}
publish_many = Publisher.publish_many
halts_at = os.environ.get("STEP")
left = 0


async def reached(step):
    global halts_at
    if step == halts_at and left >= HALTS_AT:
        halts_at = None
        note("halted")
        await asyncio.Event().wait()


@contextmanager
def cancelled(task):
    try:
        yield
    finally:
        task.cancel()


async def leave(self, messages, timeout):
    global left
    left += 1
    await reached("returned")
    publishing = asyncio.ensure_future(publish_many(self, messages, timeout))
    with cancelled(publishing):
        # It is written at the end of the turn after that.
        for _ in range(3):
            await asyncio.sleep(0)
        await reached("published")
        errors = await publishing
    await reached("confirmed")
    return errors


Publisher.publish_many = leave


@app.route(os.environ["QUEUES"].split(","), options=options, publish_to="drill.out")
async def handler(messages):
    note("handled", messages)
    # What hangs on the last ones, on the way to the end, is put by hand.
    for message in messages:
        message.put(message.redelivered, "drill.put", message_id=message.message_id)
    return [Message(message.redelivered, message_id=message.message_id) for message in messages]


app.run()
