"""Answers requests, well and badly, and handles messages beside."""

import asyncio
import os
from datetime import date
from enum import Enum

from aiohttp import web
from pydantic import BaseModel
from recorder import note

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection

CROWD = 1000

app = App(connections=[AMQPConnection(url=os.environ["URL"])])
app["crowd"] = 0


@app.run_on_startup
async def start(app):
    note("starting")
    app["complete"] = asyncio.Event()


@app.run_on_shutdown
async def stop(app):
    note("stopped")


@app.route(os.environ["QUEUES"].split(","), type=RouteTypes.AMQP_RABBITMQ)
async def handler(messages):
    note("handled", messages)


@app.http.get("/numbers/{number}")
async def number(number: int):
    return {"number": number}


@app.http.post("/documents")
async def document(document: dict):
    return document


class Model(BaseModel):
    number: int
    names: list[str] = []
    inner: "Model | None" = None


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@app.http.post("/models")
@app.http.delete("/models")
async def models(models: list[Model], limit: float = 1):
    return {"count": len(models)}


@app.http.put("/models/{number}")
async def model(number: int, model: Model):
    return model


@app.http.patch("/numbers")
async def numbers(numbers: dict[str, list[int]] | None = None):
    return numbers or {}


@app.http.post("/ignored")
async def ignored():
    return "ok"


@app.http.post("/raw")
async def raw(request: web.Request):
    return str(len(await request.read()))


@app.http.get("/search")
async def search(word: list[str], color: Color, day: date | None = None):
    return {"words": len(word)}


@app.http.get("/named")
async def named(name: str):
    return "hello", 200, {"X-Name": name}


@app.http.get("/raising")
async def raising():
    raise OSError("a secret that no client may read")


@app.http.get("/hanging")
async def hanging():
    note("hanging")
    await asyncio.Event().wait()


@app.http.get("/deaf")
async def deaf():
    note("hanging")
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            note("cancelled")


@app.http.get("/slow")
async def slow():
    note("slow")
    await asyncio.sleep(0.3)
    return "done"


@app.http.get("/crowd/{number}")
async def in_a_crowd(number: int):
    """Wait until there is a whole crowd."""
    app["crowd"] += 1
    if app["crowd"] == CROWD:
        app["complete"].set()
    await app["complete"].wait()
    return {"number": number}


app.run()
