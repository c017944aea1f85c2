"""Hooks of the start and of the shutdown: in which order, and what becomes of what they raise."""

import asyncio

import pytest

from asyncworker import App, RouteTypes
from asyncworker.errors import HookFailed
from asyncworker.running.lifecycle import HOOK_GRACE
from packages.core.tests.running.lifecycle.handler import SHUTDOWN_TIMEOUT, Handler
from packages.core.tests.waiting import ended, until


async def test_one_run_calls_hooks_in_order_and_those_of_the_shutdown_in_reverse(
    app, connection, calls, serve, kafka
):
    async def entering():
        calls.append("backend")

    async def leaving():
        calls.append("drained")

    kafka.kafka.entering, kafka.kafka.leaving = entering, leaving

    @app.run_on_startup
    async def first(app):
        calls.append(("first", connection.is_open))

    @app.run_on_startup
    def second(app):
        calls.append("second")

    @app.run_on_shutdown
    async def last(app):
        calls.append(("last", connection.is_open))

    @app.run_on_shutdown
    def last_but_one(app):
        calls.append("last but one")

    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handle(_):
        calls.append("handled")
        app.shutdown()

    await serve(app)
    assert calls == [
        ("first", True),
        "second",
        "backend",
        "handled",
        "drained",
        "last but one",
        ("last", True),
    ]
    assert not connection.is_open


async def test_hooks_get_the_app(app, calls, serve):
    app.run_on_startup(calls.append)
    app.run_on_shutdown(calls.append)
    app.run_on_startup(App.shutdown)
    await serve(app)
    assert calls == [app, app]


async def test_a_handler_may_use_what_a_startup_hook_opened(app, serve):
    @app.run_on_startup
    async def connect(app):
        app["redis"] = "connected"

    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handle(_):
        app["seen"] = app["redis"]
        app.shutdown()

    await serve(app)
    assert app["seen"] == "connected"


async def test_a_startup_hook_that_raises_stops_the_start_and_shutdown_hooks_still_run(
    app, connection, calls, serve
):
    @app.run_on_startup
    async def broken(app):
        raise ValueError("no redis")

    app.run_on_startup(lambda _: calls.append("never"))
    app.run_on_shutdown(lambda _: calls.append("first"))
    app.run_on_shutdown(lambda _: calls.append("second"))
    app.route(["orders"], type=RouteTypes.KAFKA)(Handler())
    with pytest.raises(
        HookFailed, match=r"^startup hook .*broken raised ValueError\('no redis'\)$"
    ):
        await serve(app)
    assert calls == ["second", "first"]
    assert connection.outcomes == []
    assert not connection.is_open


async def test_each_shutdown_hook_runs_even_when_another_one_raises(app, calls, serve):
    def broken(app):
        calls.append("broken")
        raise ValueError("no redis")

    app.run_on_startup(App.shutdown)
    app.run_on_shutdown(lambda _: calls.append("last"))
    app.run_on_shutdown(broken)
    app.run_on_shutdown(lambda _: calls.append("first"))
    with pytest.raises(HookFailed, match=r"^shutdown hook .*broken raised ValueError"):
        await serve(app)
    assert calls == ["first", "broken", "last"]


@pytest.mark.parametrize("moment", ["startup", "shutdown"])
async def test_a_hook_that_raises_cancelled_error_is_named(app, calls, serve, moment):
    async def broken(app):
        raise asyncio.CancelledError

    app.run_on_shutdown(calls.append)
    getattr(app, f"run_on_{moment}")(broken)
    if moment == "shutdown":
        app.run_on_startup(App.shutdown)
    with pytest.raises(HookFailed, match=rf"^{moment} hook .*broken raised CancelledError"):
        await serve(app)
    assert calls == [app]


async def test_every_hook_that_fails_is_logged(app, serve, caplog):
    def broken_start(app):
        raise ValueError("no redis")

    def broken_end(app):
        raise ValueError("no flush")

    app.run_on_startup(broken_start)
    app.run_on_shutdown(broken_end)
    with pytest.raises(HookFailed) as caught:
        await serve(app)
    told = "\n".join([*caplog.messages, str(caught.value)])
    assert "broken_start" in told
    assert "broken_end" in told


async def test_a_shutdown_hook_that_hangs_is_ended_and_named(app, serve, clock, start, calls):
    hanging = asyncio.Event()

    async def hangs(app):
        hanging.set()
        await asyncio.Event().wait()

    app.run_on_shutdown(calls.append)
    app.run_on_shutdown(hangs)
    app.run_on_startup(App.shutdown)
    task = await start()
    await until(hanging)
    await clock.advance(HOOK_GRACE - 1)
    assert not task.done()
    await clock.advance(SHUTDOWN_TIMEOUT)
    error = await ended(task)
    assert calls == [app]
    assert isinstance(error, HookFailed)
    assert "hangs" in str(error)
