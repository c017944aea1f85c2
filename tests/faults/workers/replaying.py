"""Replays the dead letters of `drill.dead`, as the command does; halts once, at a step on the way.

STEP: "read", before anything of a lot is published; "published", before it is confirmed;
"confirmed", before its originals are acknowledged; or none. It halts there for good, but for what
cancels it. RATE: as the option of the command; none for as fast as can be.
"""

import asyncio
import os

from recorder import note

from asyncworker import App
from asyncworker.cli.command import main
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Queue
from asyncworker.rabbitmq.publishing.publisher import Publisher

HALTS_AT = 3
"""The lot at which it halts."""

app = App(connections=[AMQPConnection(url=os.environ["URL"])])
publish_many = Publisher.publish_many
halts_at = os.environ.get("STEP")
lots = 0


@app.route([Queue("drill", dead_letter=True)])
async def handler(message):
    raise NotImplementedError


async def reached(step):
    global halts_at
    if step == halts_at and lots == HALTS_AT:
        halts_at = None
        note("halted")
        await asyncio.Event().wait()


async def leave(self, messages, timeout):
    global lots
    lots += 1
    await reached("read")
    publishing = asyncio.ensure_future(publish_many(self, messages, timeout))
    try:
        # It is written at the end of the turn after that.
        for _ in range(3):
            await asyncio.sleep(0)
        await reached("published")
        errors = await publishing
    finally:
        publishing.cancel()
    await reached("confirmed")
    note("moved", count=len(messages))
    return errors


# The command imports this file once more, for its app.
if __name__ == "__main__":
    Publisher.publish_many = leave
    rate = os.environ.get("RATE")
    options = [] if rate is None else ["--rate", rate]
    main(["dead", "replay", f"{__file__}:app", "drill.dead", *options])
