"""Runs an app, and then the same app again."""

import os

from recorder import note

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[AMQPConnection(url=os.environ["URL"])])


@app.route(os.environ["QUEUES"].split(","), type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    note("handled", messages)
    if "ran" not in app:
        app.shutdown()


app.run()
app["ran"] = True
note("ran")
app.run()
