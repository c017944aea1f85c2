"""Handlers of all kinds that block the event loop: the log names them while they do."""

import asyncio

import pytest

from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.rabbitmq import Queue
from asyncworker.testing import TestApp


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_BLOCKED_AFTER", "0.1")
    connections = [AMQPConnection(url="memory://"), SSEConnection(url="http://prices.test")]
    return App(connections=connections)


def of_messages(app, store):
    app.route([Queue("jobs")], type=RouteTypes.AMQP_RABBITMQ)(store)
    return lambda worker: worker.publish({}, "jobs")


def of_events(app, store):
    app.route(["/prices"], type=RouteTypes.SSE)(store)
    return lambda worker: worker.feed("/prices", {})


def of_requests(app, store):
    app.http.get("/")(store)
    return lambda worker: worker.request("GET", "/")


def of_a_schedule(app, store):
    app.run_every(1000, first=1000)(store)
    return lambda worker: worker.advance(1000)


@pytest.mark.parametrize("declare", [of_messages, of_events, of_requests, of_a_schedule])
async def test_a_handler_that_blocks_is_logged_with_its_line(app, pulse_lines, limit, declare):
    lines = []

    async def store(*_: object) -> None:
        lines.append(pulse_lines.get(timeout=limit))

    call = declare(app, store)
    async with TestApp(app) as worker:
        await call(worker)
        await worker.idle()
        lines.append(await asyncio.to_thread(pulse_lines.get, timeout=limit))
    place = f"{__file__}:{store.__code__.co_firstlineno + 1} in store"
    by = f"by handler {store.__qualname__} at {place}, for "
    blocked, over = lines[:2]
    assert blocked.stack == (place,)
    assert (blocked.levelname, over.levelname) == ("WARNING", "WARNING")
    assert blocked.message.startswith(f"the event loop is blocked {by}0.1 s so far")
    assert over.message.startswith(f"the event loop was blocked {by}")
