"""Has a shutdown hook that raises, between two that do not."""

import os

from recorder import note

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[AMQPConnection(url=os.environ["URL"])])


@app.route(os.environ["QUEUES"].split(","), type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    note("handled", messages)


@app.run_on_shutdown
async def close(app):
    note("stopped")


@app.run_on_shutdown
async def broken(app):
    raise OSError("refused")


@app.run_on_shutdown
async def first(app):
    note("stopping")


app.run()
