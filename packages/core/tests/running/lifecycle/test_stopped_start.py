"""A stop before the start is complete."""

import asyncio
import logging
import signal
from contextlib import suppress

import pytest

from asyncworker import App
from asyncworker.errors import AsyncWorkerError, HookFailed
from asyncworker.running.lifecycle import Lifecycle
from packages.core.tests.running.lifecycle.handler import SHUTDOWN_TIMEOUT
from packages.core.tests.waiting import LIMIT, ended, turns, until


async def hang():
    await asyncio.Event().wait()


async def hanging_hook(app):
    await hang()


@pytest.fixture
async def hanging():
    """Be set as soon as a backend hangs."""
    return asyncio.Event()


@pytest.fixture
async def entering(hanging):
    """The start of a backend that hangs."""

    async def entering():
        hanging.set()
        await hang()

    return entering


async def test_a_stop_ends_a_startup_hook_that_hangs(app, handler, start, calls, caplog):
    caplog.set_level(logging.INFO)
    hanging = asyncio.Event()

    @app.run_on_startup
    async def hangs(app):
        hanging.set()
        await hang()

    app.run_on_startup(lambda _: calls.append("never"))
    app.run_on_shutdown(calls.append)
    task = await start()
    await until(hanging)
    signal.raise_signal(signal.SIGTERM)
    assert await ended(task) is None
    assert calls == [app]
    assert not handler.entered.is_set()
    assert "stopped before the start was complete" in caplog.messages


async def test_a_stop_ends_a_backend_that_hangs_while_it_starts(
    app, handler, start, calls, kafka, entering, hanging
):
    kafka.kafka.entering = entering
    app.run_on_shutdown(calls.append)
    task = await start()
    await until(hanging)
    app.shutdown()
    assert await ended(task) is None
    assert calls == [app]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_stop_while_one_backend_starts_drains_the_others_within_the_deadline(
    app, handler, other, start, kafka, clock, entering, hanging
):
    kafka.pulsar.entering = entering
    task = await start()
    await until(handler.entered)
    await until(hanging)
    app.shutdown()
    await turns()
    assert handler.end is None
    await clock.advance(SHUTDOWN_TIMEOUT + 1)
    try:
        assert handler.end == "cancelled"
    finally:
        handler.release.set()
        await ended(task)


async def test_a_second_signal_while_one_backend_starts_cancels_the_others(
    handler, other, start, kafka, entering, hanging
):
    kafka.pulsar.entering = entering
    task = await start()
    await until(handler.entered)
    await until(hanging)
    signal.raise_signal(signal.SIGTERM)
    await turns()
    signal.raise_signal(signal.SIGTERM)
    await turns()
    try:
        assert handler.end == "cancelled"
    finally:
        handler.release.set()
        await ended(task)


@pytest.fixture
async def reported():
    """What callbacks of the loop raise."""
    reported = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    return reported


async def test_a_stop_during_the_shutdown_hooks_of_a_failed_start_does_no_harm(
    app, serve, reported, calls
):
    @app.run_on_startup
    async def broken(app):
        raise ValueError("no redis")

    @app.run_on_shutdown
    async def ending(app):
        app.shutdown()
        await turns()
        calls.append("flushed")

    with pytest.raises(HookFailed, match=r"^startup hook .*broken raised"):
        await serve(app)
    assert calls == ["flushed"]
    assert reported == []


async def test_a_second_stop_while_the_start_is_being_ended_does_no_harm(app, serve, reported):
    @app.run_on_startup
    async def hangs(app):
        app.shutdown()
        try:
            await hang()
        finally:
            app.shutdown()
            await turns()

    await serve(app)
    assert reported == []


async def test_a_signal_before_the_loop_runs_ends_the_start(app, handler, calls):
    app.run_on_shutdown(calls.append)
    app.run_on_startup(hanging_hook)
    lifecycle = Lifecycle(app)
    lifecycle.on_signal(signal.SIGTERM, None)
    lifecycle.on_signal(signal.SIGTERM, None)
    async with asyncio.timeout(LIMIT):
        await lifecycle.serve()
    assert calls == [app]
    assert not handler.entered.is_set()


async def test_a_second_signal_does_not_keep_a_start_from_being_ended(app, start, calls):
    @app.run_on_startup
    async def hangs(app):
        try:
            signal.raise_signal(signal.SIGTERM)
            await hang()
        finally:
            signal.raise_signal(signal.SIGTERM)
            await turns()

    app.run_on_shutdown(calls.append)
    task = await start()
    await ended(task)
    assert calls == [app]


async def test_started_does_not_enter_its_body_when_the_start_was_stopped(app):
    app.run_on_startup(App.shutdown)

    @app.run_on_startup
    async def hangs(app):
        await hang()

    entered = False
    with suppress(AsyncWorkerError):
        async with asyncio.timeout(LIMIT), app.started():
            entered = True
    assert not entered


async def test_shutdown_inside_started_stops_what_is_consumed(app, handler, kafka):
    left = asyncio.Event()

    async def leaving():
        left.set()

    kafka.kafka.leaving = leaving
    handler.release.set()
    async with app.started():
        app.shutdown()
        for _ in range(20):
            await asyncio.sleep(0)
        assert left.is_set()
