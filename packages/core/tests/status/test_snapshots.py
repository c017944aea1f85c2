"""A snapshot says how it stands with a run, and can be written as JSON."""

import asyncio
import json
import os
import threading
import time

import pytest

from asyncworker import App
from asyncworker.connections import Connection
from asyncworker.feed import Blockage, Connected, Disconnected, Statistics
from asyncworker.route_types import RouteTypes
from asyncworker.status import snapshot
from asyncworker.status.longest import MOST
from asyncworker.status.snapshots import SHORT
from packages.core.tests.waiting import turns, until


class Somewhere(Connection):
    route_type = RouteTypes.SSE


@pytest.fixture
def connection():
    return Somewhere("somewhere")


@pytest.fixture
def app(connection):
    return App(connections=[connection])


@pytest.fixture
def statistics(app):
    statistics = Statistics()
    app.feed.add(statistics)
    return statistics


@pytest.fixture
def taken(app, statistics):
    """Take a snapshot, by way of JSON."""
    return lambda: json.loads(json.dumps(snapshot(app, statistics)))


async def test_tells_the_phase_and_since_when(app, taken):
    before = time.time()
    assert taken()["phase"] == "off"
    async with app.started():
        seen = taken()
    assert (seen["process"], seen["phase"]) == (os.getpid(), "working")
    assert before <= seen["since"] <= seen["at"] <= time.time()
    assert taken()["since"] >= seen["since"]


async def test_tells_what_a_schedule_did(app, taken, limit):
    errors = iter([None, ValueError("no room")])
    ran, go_on = asyncio.Event(), asyncio.Event()

    @app.run_every(0.001)
    async def tidy():
        error = next(errors, ran)
        if error is ran:
            ran.set()
            await go_on.wait()
        elif error is not None:
            raise error

    async with app.started():
        await until(ran)
        seen = taken()
        go_on.set()
    assert seen["routes"] == []
    [schedule] = seen["schedules"]
    assert (schedule["kind"], schedule["name"].split(".")[-1]) == ("schedule", "tidy")
    assert (schedule["batches"], schedule["handled"], schedule["in_flight"]) == (2, 2, 1)
    assert 0 < schedule["seconds"] < limit
    [source] = schedule["sources"]
    assert (source["name"], source["state"], source["reason"]) == ("every 0.001 s", "working", None)
    # While one run goes on, further ones are skipped.
    assert {key: source["outcomes"][key] for key in ("done", "failed")} == {"done": 1, "failed": 1}
    assert schedule["failures"] == 1
    assert schedule["last_error"]["text"] == "ValueError('no room')"
    assert source["since"] <= schedule["last_error"]["at"] <= seen["at"]


async def test_tells_why_a_route_does_not_work(app, taken):
    async with app.started():
        activity = app.feed.activity("rabbitmq", "store", ["orders", "late"])
        activity.works("late")
        activity.waits("orders", "not consumed: " + "x" * SHORT)
        [route] = taken()["routes"]
    states = {one["name"]: (one["state"], one["reason"]) for one in route["sources"]}
    assert states["late"] == ("working", None)
    assert states["orders"][0] == "waiting"
    assert states["orders"][1].startswith("not consumed: x")
    assert len(states["orders"][1]) == SHORT + len("...")


async def test_tells_what_is_published_by_each_vhost(app, taken):
    async with app.started():
        activity = app.feed.activity("publish", "broker", ())
        activity.count("/", "confirmed", 3)
        activity.count("other", "timeout")
        seen = taken()
    assert seen["routes"] == []
    [publishing] = seen["publishing"]
    assert {one["name"]: one["outcomes"] for one in publishing["sources"]} == {
        "/": {"confirmed": 3},
        "other": {"timeout": 1},
    }
    assert {one["state"] for one in publishing["sources"]} == {None}


async def test_tells_of_connections_and_of_their_problems(app, taken, connection):
    async with app.started():
        app.feed.tell(Connected("broker", 0))
        app.feed.tell(Disconnected("broker", "reset", 1))
        connection.problems["queue orders"] = "does not exist"
        seen = taken()
    assert seen["connections"] == [{"name": "broker", "is_open": False, "lost": 1}]
    assert seen["problems"] == [{"subject": "queue orders", "reason": "does not exist"}]


async def test_tells_how_the_event_loop_turns(app, taken):
    async with app.started():
        app.feed.loop_lag, app.feed.blocked_seconds = 0.25, 3.5
        assert taken()["loop"] == {"lag": 0.25, "blocked_seconds": 3.5, "last_blocked": None}
        app.feed.last_blocked = Blockage("tidy", "shop.py:3 in load", ("shop.py:3 in load",), 9, 2)
        seen = taken()["loop"]["last_blocked"]
    assert (seen["handler"], seen["at"]) == ("tidy", "shop.py:3 in load")
    assert (seen["since"], seen["seconds"], seen["process"]) == (9, 2, os.getpid())


async def test_tells_at_which_line_a_handler_waits(app, taken, limit):
    entered, go_on = asyncio.Event(), asyncio.Event()

    @app.run_every(3600)
    async def tidy():
        entered.set()
        await go_on.wait()

    async with app.started():
        await until(entered)
        [running] = taken()["handlers"]
        go_on.set()
    line = tidy.__code__.co_firstlineno + 3
    assert running["at"] == f"{__file__}:{line} in tidy"
    assert running["route"].endswith("tidy")
    assert (running["kind"], running["size"]) == ("schedule", 1)
    assert 0 < running["seconds"] < limit


async def test_tells_at_which_line_a_plain_function_is(app, taken, limit):
    entered, go_on = threading.Event(), threading.Event()

    @app.run_every(3600)
    def tidy():
        entered.set()
        go_on.wait(limit)

    async with app.started():
        assert await asyncio.to_thread(entered.wait, limit)
        [running] = taken()["handlers"]
        go_on.set()
    line = tidy.__code__.co_firstlineno + 3
    assert running["at"] == f"{__file__}:{line} in tidy"


async def test_tells_only_of_those_that_run_for_the_longest_time(app, taken):
    go_on = asyncio.Event()

    async def tidy():
        await go_on.wait()

    for _ in range(MOST + 5):
        app.run_every(3600)(tidy)
    async with app.started():
        await turns()
        seen = taken()
        go_on.set()
    assert sum(one["in_flight"] for one in seen["schedules"]) == MOST + 5
    assert len(seen["handlers"]) == MOST
    assert seen["handlers"] == sorted(seen["handlers"], key=lambda one: -one["seconds"])
