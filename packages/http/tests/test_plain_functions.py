"""Plain functions that answer requests, each in a thread."""

import asyncio
import functools
import threading
import time
from dataclasses import dataclass

import pytest
from aiohttp import web

from asyncworker import App, Options
from asyncworker.http.backend import HTTPBackend


@dataclass
class Order:
    name: str


async def answer(client, method, path, **given):
    async with client.request(method, path, **given) as response:
        return response.status, await response.text()


async def test_a_plain_function_answers_in_a_thread_with_its_parameters(app, serving):
    threads = []

    @app.http.post("/{id}")
    def handler(id: int, order: Order, app: App, page: int = 1):
        threads.append(threading.current_thread())
        return {"id": id, "name": order.name, "page": page}

    @app.http.get("/")
    def plain(request: web.Request):
        return request.path

    async with serving(app) as client:
        assert await answer(client, "POST", "/5?page=2", json={"name": "tea"}) == (
            200,
            '{"id":5,"name":"tea","page":2}',
        )
        assert (await answer(client, "POST", "/x", json={"name": "tea"}))[0] == 400
        assert await answer(client, "GET", "/") == (200, "/")
    [thread] = threads
    assert thread is not threading.main_thread()


async def test_what_a_partial_holds_no_client_replaces(app, serving):
    def handler(name: str, secret: str = "none"):
        return f"{name} {secret}"

    app.http.get("/")(functools.partial(handler, secret="kept"))
    async with serving(app) as client:
        assert await answer(client, "GET", "/?name=a&secret=stolen") == (200, "a kept")


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError, 500), (web.HTTPConflict, 409), (SystemExit, 500)]
)
async def test_what_it_raises_is_answered(app, serving, error, status):
    @app.http.get("/")
    def handler():
        raise error

    async with serving(app) as client:
        for _ in range(2):
            assert (await answer(client, "GET", "/"))[0] == status


async def test_no_more_than_a_bound_run_side_by_side(app, serving, limit, monkeypatch):
    assert HTTPBackend.threads == 40
    monkeypatch.setattr(HTTPBackend, "threads", 3)
    inside, most, both = 0, 0, threading.Condition()
    release = threading.Event()

    @app.http.get("/")
    def handler():
        nonlocal inside, most
        with both:
            inside += 1
            most = max(most, inside)
            both.notify_all()
        assert release.wait(limit)
        with both:
            inside -= 1
        return "done"

    @app.http.get("/other")
    async def other():
        return "other"

    def until_three():
        with both:
            assert both.wait_for(lambda: inside == 3, limit)

    async with serving(app) as client:
        requests = [asyncio.create_task(answer(client, "GET", "/")) for _ in range(12)]
        await asyncio.to_thread(until_three)
        assert await answer(client, "GET", "/other") == (200, "other")
        release.set()
        assert set(await asyncio.gather(*requests)) == {(200, "done")}
    assert most == 3


async def test_one_that_takes_too_long_is_504_and_abandoned(app, serving, logs, limit):
    release = threading.Event()

    @app.http.get("/", options={Options.TIMEOUT: 0.01})
    def slow():
        release.wait(limit)

    async with serving(app) as client:
        assert (await answer(client, "GET", "/"))[0] == 504
        record = await logs.wait("does not return: its thread is abandoned")
        assert record.stood_at[0].endswith(" in slow")
        release.set()


async def test_the_drain_waits_for_a_thread(app, limit):
    from aiohttp import ClientSession

    entered = asyncio.Event()
    loop = asyncio.get_running_loop()

    @app.http.get("/")
    def handler():
        loop.call_soon_threadsafe(entered.set)
        while not app.stopping:
            time.sleep(0.001)
        return "done"

    async with asyncio.timeout(limit), ClientSession() as client:
        async with app.started():
            asking = asyncio.create_task(answer(client, "GET", app.http.url))
            await entered.wait()
        assert await asking == (200, "done")
