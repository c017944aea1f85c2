"""Consumes a queue, follows an event stream and answers requests."""

import asyncio
import os

from recorder import note

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection

queues = AMQPConnection(url=os.environ["URL"])
streams = SSEConnection(url=os.environ["STREAMS"])
app = App(connections=[queues, streams])


@app.route(
    os.environ["QUEUES"].split(","), type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 7}
)
async def consume(messages):
    await asyncio.sleep(0.3)
    note("handled", messages)


@app.route(["/events"], type=RouteTypes.SSE, options={Options.BULK_SIZE: 5})
async def follow(events):
    await asyncio.sleep(0.01)
    for event in events:
        note("followed", number=int(event.id))


@app.http.get("/numbers/{number}")
async def answer(number: int):
    await asyncio.sleep(0.01)
    note("answered", number=number)
    return {"number": number}


app.run()
