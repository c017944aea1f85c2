"""Runs a schedule, and follows a stream where there is one, once among all replicas."""

import asyncio
import os

from recorder import note

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection

EVERY = 0.05
LASTS = 0.02

connections = [AMQPConnection(url=os.environ["URL"], heartbeat=int(os.environ["HEARTBEAT"]))]
if stream := os.environ.get("STREAM"):
    connections.append(SSEConnection(stream))
app = App(connections=connections)


@app.run_every(EVERY, once="drill")
async def work():
    note("begun", by=os.getpid())
    await asyncio.sleep(LASTS)
    note("ended", by=os.getpid())


if stream:

    @app.route(["/events"], type=RouteTypes.SSE, once="drill.stream")
    async def follow(events):
        for event in events:
            note("handled", id=event.id, redelivered=event.name == "again")


app.run()
