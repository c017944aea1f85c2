"""Does with each message what its body says, which may be a fault; answers HTTP besides."""

import asyncio
import os

from recorder import note

from asyncworker import Actions, App, Events, Options, RouteTypes
from asyncworker.connections import AMQPConnection

PREFETCH = int(os.environ.get("PREFETCH", "50"))
BULK_SIZE = int(os.environ.get("BULK_SIZE", "1"))
ON_SUCCESS = Actions(os.environ.get("ON_SUCCESS", "ack"))
ERRORS = {
    error.__name__: error
    for error in (RuntimeError, asyncio.CancelledError, SystemExit, KeyboardInterrupt)
}
CALLS = {
    "accept": lambda message: message.accept(),
    "reject": lambda message: message.reject(requeue=False),
}

app = App(connections=[AMQPConnection(url=os.environ["URL"], prefetch=PREFETCH)])


async def obey(message):
    match message.body:
        case {"raise": name}:
            raise ERRORS[name]
        case {"raise once": name} if not message.redelivered:
            raise ERRORS[name]
        case {"hang": _}:
            await asyncio.Event().wait()
        case {"call": calls}:
            for call in calls:
                CALLS[call](message)


async def handler(messages):
    note("started", messages)
    for message in messages:
        await obey(message)
    note("handled", messages)


for queue in os.environ["QUEUES"].split(","):
    options = {
        Options.BULK_SIZE: BULK_SIZE,
        Options.BULK_FLUSH_INTERVAL: 0.1,
        Events.ON_SUCCESS: ON_SUCCESS,
    }
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=options)(handler)


@app.http.get("/")
async def answer():
    return {"well": True}


app.run()
