"""Logs a long line about each message, to stdout and to stderr in turns."""

import logging
import os

from recorder import note

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[AMQPConnection(url=os.environ["URL"])])
log = logging.getLogger("talking")
levels = logging.INFO, logging.WARNING


@app.route(os.environ["QUEUES"].split(","), type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    for message in messages:
        text = f"message {message.message_id} {'-' * 500}"
        log.log(levels[message.body % 2], text)
    note("handled", messages)


app.run()
