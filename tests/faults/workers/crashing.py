"""Dies at once by the message `fatal`, and handles all others."""

import os

from recorder import note

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[AMQPConnection(url=os.environ["URL"])])


@app.route(os.environ["QUEUES"].split(","), type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    if messages[0].message_id == "fatal":
        os._exit(1)
    note("handled", messages)


if "BESIDE" in os.environ:

    @app.route(
        [os.environ["BESIDE"]],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Options.BULK_SIZE: 100, Options.BULK_FLUSH_INTERVAL: 3600},
    )
    async def beside(messages):
        note("handled", messages)


app.run()
