"""Fails to log in everywhere, and shows all that it has."""

import asyncio
import logging
import os

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection

SECRET = os.environ["SECRET"]
QUOTED = os.environ["QUOTED"]
BROKER = os.environ["BROKER"]
STREAMS = os.environ["STREAMS"]

by_url = AMQPConnection(url=f"amqp://by-url:{QUOTED}@{BROKER}/")
by_keywords = AMQPConnection(BROKER, "by-keywords", SECRET)
nobody = AMQPConnection(url=f"amqp://nobody:{QUOTED}@127.0.0.1:1/")
login = SSEConnection(f"http://by-url:{QUOTED}@{STREAMS}/login")
header = SSEConnection(f"http://{STREAMS}/header", headers={"Authorization": f"Bearer {SECRET}"})

log = logging.getLogger("secretive")
app = App(connections=[by_url, by_keywords, nobody, login, header])


async def handler(items):
    raise AssertionError(f"nobody lets us in: {items!r}")


for connection in (by_url, by_keywords, nobody):
    app.route(["drill"], type=RouteTypes.AMQP_RABBITMQ, connection=connection)(handler)
for connection in (login, header):
    app.route(
        [f"/events?key={SECRET}"],
        type=RouteTypes.SSE,
        connection=connection,
        headers={"Cookie": SECRET},
    )(handler)


@app.http.get("/{number}")
async def fail(number: int):
    raise RuntimeError(os.environ["FAILURE"])


@app.run_on_startup
async def show(app):
    log.info("%r %r %r %r", app, app.connections.all, app.routes, dict(app))
    app["publishing"] = asyncio.create_task(publish())


async def publish():
    try:
        await by_keywords.put({}, routing_key="drill", timeout=0.5)
    except TimeoutError as error:
        log.info("put() failed: %r", error)
        raise


app.run()
