"""Takes whatever comes, and hands none of it to its handler."""

import os

from recorder import note

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[AMQPConnection(url=os.environ["URL"], prefetch=5000)])


@app.route(
    os.environ["QUEUES"].split(","),
    type=RouteTypes.AMQP_RABBITMQ,
    options={Options.BULK_SIZE: 5000, Options.BULK_FLUSH_INTERVAL: 3600},
)
async def handler(messages):
    note("handled", messages)


app.run()
