"""Needs a database, which is down while a file is there."""

import asyncio
import os
from pathlib import Path

from recorder import note

from asyncworker import App, Breaker, Events, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Retry

PREFETCH = 50
ANSWERED_AFTER = 0.01
PAUSE = float(os.environ["PAUSE"])
MAX_PAUSE = float(os.environ["MAX_PAUSE"])
DOWN = Path(os.environ["DOWN"])

app = App(connections=[AMQPConnection(url=os.environ["URL"], prefetch=PREFETCH)])


@app.route(
    os.environ["QUEUES"].split(","),
    type=RouteTypes.AMQP_RABBITMQ,
    options={
        Options.BREAKER: Breaker(pause=PAUSE, max_pause=MAX_PAUSE, on=OSError),
        # Without the breaker they would all be given up soon.
        Events.ON_EXCEPTION: Retry(attempts=2, delay=0.2),
    },
)
async def handler(messages):
    await asyncio.sleep(ANSWERED_AFTER)
    if await asyncio.to_thread(DOWN.exists):
        note("failed", messages)
        raise OSError("the database does not answer")
    note("handled", messages)


app.run()
