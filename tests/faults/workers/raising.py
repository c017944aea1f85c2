"""Follows an event stream with a handler that raises whatever can be raised."""

import asyncio
import os

from recorder import note

from asyncworker import App, RouteTypes
from asyncworker.connections import SSEConnection

app = App(connections=[SSEConnection(os.environ["URL"])])


@app.route(["/events"], type=RouteTypes.SSE)
async def handler(events):
    (event,) = events
    note("handled", id=event.id, redelivered=event.name == "again")
    match event.body:
        case "LookupError":
            raise LookupError("no such thing")
        case "CancelledError":
            raise asyncio.CancelledError
        case "SystemExit":
            raise SystemExit(3)
        case "KeyboardInterrupt":
            raise KeyboardInterrupt


app.run()
