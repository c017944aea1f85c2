"""Does all there is: queues of both types, singly and in bulk, retries, a stream and HTTP."""

import asyncio
import os
from pathlib import Path

from recorder import note

from asyncworker import App, Events, Options, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.rabbitmq import Queue, Retry

PAUSE = 0.3
LAST = 3
BULK = {Options.BULK_SIZE: 5, Options.BULK_FLUSH_INTERVAL: 0.2}
RETRY = {Events.ON_EXCEPTION: Retry(attempts=5, delay=0.5, factor=1)}

place = Path(os.environ["PLACE"])
"""Holds the id of the last event that was handled: a stream acknowledges nothing."""
headers = {"Last-Event-ID": place.read_text()} if place.exists() else {}
broker = AMQPConnection(url=os.environ["URL"], prefetch=int(os.environ["PREFETCH"]))
app = App(connections=[broker, SSEConnection(os.environ["STREAMS"])])


@app.route(
    ["soak.classic", Queue("soak.quorum", type="quorum"), "soak.forwarded"],
    type=RouteTypes.AMQP_RABBITMQ,
)
async def one(messages):
    await asyncio.sleep(PAUSE)
    note("handled", messages)


@app.route(["soak.classic.bulk", "soak.quorum.bulk"], type=RouteTypes.AMQP_RABBITMQ, options=BULK)
async def many(messages):
    await asyncio.sleep(PAUSE)
    note("handled", messages)


@app.route([Queue("soak.retry", type="quorum")], type=RouteTypes.AMQP_RABBITMQ, options=RETRY)
async def retry(messages):
    (message,) = messages
    await asyncio.sleep(PAUSE)
    if message.attempt < LAST:
        note("failed", messages)
        raise OSError("on purpose")
    note("handled", messages)


@app.route(["soak.forward"], type=RouteTypes.AMQP_RABBITMQ)
async def forward(messages):
    (message,) = messages
    await asyncio.sleep(PAUSE)
    same = {"message_id": message.message_id}
    await broker.put(message.body, "soak.forwarded", properties=same, timeout=10)
    note("forwarded", messages)


@app.route([os.environ["STREAM"]], type=RouteTypes.SSE, headers=headers, options=BULK)
async def follow(events):
    for event in events:
        note("handled", id=event.id)
    # A file that is replaced is never half written.
    new = place.with_suffix(".new")
    new.write_text(events[-1].id)
    new.replace(place)


@app.http.get("/numbers/{number}")
async def answer(number: int):
    return {"number": number}


@app.http.get("/problems")
async def problems():
    return list(app.problems)


app.run()
