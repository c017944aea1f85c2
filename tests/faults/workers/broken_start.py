"""Has a startup hook that raises, between two that do not."""

import os

from recorder import note

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[AMQPConnection(url=os.environ["URL"])])


@app.route(os.environ["QUEUES"].split(","), type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    note("handled", messages)


@app.run_on_startup
async def first(app):
    note("starting")


@app.run_on_startup
async def broken(app):
    raise OSError("refused")


@app.run_on_startup
async def last(app):
    note("started")


@app.run_on_shutdown
async def close(app):
    note("stopped")


app.run()
