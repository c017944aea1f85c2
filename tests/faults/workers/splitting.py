"""Splits batches that fail, and has what fails alone dead-lettered; halts once, at a step.

STEP: "split", as a half is handled; "failed", before a dead letter is published; "published",
before it is confirmed; "confirmed", before its original is acknowledged; or none. It halts there
for good, but for what cancels it.
"""

import asyncio
import os

from recorder import note

from asyncworker import App, Events, Options
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue, Split
from asyncworker.rabbitmq.publishing.publisher import Publisher

PREFETCH = 50
BULK = 10
FAILS = 7
"""Each message fails whose number this divides."""
HALTS_AT = 5
"""How many dead letters there are before it halts."""

app = App(connections=[AMQPConnection(url=os.environ["URL"], prefetch=PREFETCH)])
options = {
    Options.BULK_SIZE: BULK,
    Options.BULK_FLUSH_INTERVAL: 0.1,
    Events.ON_EXCEPTION: Split(),
}
publish = Publisher.publish
halts_at = os.environ.get("STEP")
letters = 0


async def reached(step):
    global halts_at
    if step == halts_at and letters >= HALTS_AT:
        halts_at = None
        note("halted")
        await asyncio.Event().wait()


async def bury(self, message, timeout):
    global letters
    letters += 1
    await reached("failed")
    publishing = asyncio.ensure_future(publish(self, message, timeout))
    try:
        # It is written at the end of the turn after that.
        for _ in range(3):
            await asyncio.sleep(0)
        await reached("published")
        await publishing
    finally:
        publishing.cancel()
    await reached("confirmed")


Publisher.publish = bury


@app.route([Queue("drill", dead_letter=True)], options=options)
async def handler(messages):
    if len(messages) < BULK:
        await reached("split")
    if any(message.body % FAILS == 0 for message in messages):
        note("failed", messages)
        raise ValueError("on purpose")
    note("handled", messages)


app.run()
