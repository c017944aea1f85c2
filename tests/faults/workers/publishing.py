"""Publishes one message after the other, whatever becomes of them, and handles what comes."""

import asyncio
import itertools
import os
import time

from recorder import note

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import PublishError

TO = os.environ["TO"]
BODY = b"x" * int(os.environ.get("SIZE", "1"))
TIMEOUT = float(os.environ.get("TIMEOUT", "30"))
PAUSE = float(os.environ.get("PAUSE", "0.05"))

app = App(connections=[AMQPConnection(url=os.environ["URL"], prefetch=10)])


async def publish(connection):
    for number in itertools.count():
        message_id = f"put-{number}"
        note("attempted", id=message_id)
        begun = time.monotonic()
        try:
            await connection.put(BODY, TO, properties={"message_id": message_id}, timeout=TIMEOUT)
        except PublishError as error:
            after = time.monotonic() - begun
            note("failed", error=type(error).__name__, text=str(error), after=after)
        else:
            note("confirmed", id=message_id)
        await asyncio.sleep(PAUSE)


@app.run_on_startup
async def start(app):
    app["publishing"] = asyncio.create_task(publish(app["rabbitmq_connection"]))


@app.run_on_shutdown
async def stop(app):
    app["publishing"].cancel()


@app.route(os.environ["QUEUES"].split(","), type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    await asyncio.sleep(PAUSE)
    note("handled", messages)


app.run()
