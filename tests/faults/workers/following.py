"""Follows event streams, in bulk."""

import asyncio
import os

from recorder import note

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import SSEConnection

READ_TIMEOUT = float(os.environ.get("READ_TIMEOUT", "300"))
BULK_SIZE = int(os.environ.get("BULK_SIZE", "7"))
PAUSE = float(os.environ.get("PAUSE", "0"))

app = App(connections=[SSEConnection(os.environ["URL"], read_timeout=READ_TIMEOUT)])


@app.route(
    os.environ.get("STREAMS", "/events").split(","),
    type=RouteTypes.SSE,
    options={Options.BULK_SIZE: BULK_SIZE, Options.BULK_FLUSH_INTERVAL: 0.1},
)
async def handler(events):
    await asyncio.sleep(PAUSE)
    for event in events:
        kind = type(event.body).__name__
        note("handled", id=event.id, redelivered=event.name == "again", kind=kind)


app.run()
