"""Backends that fail to start, to serve or to stop."""

import asyncio
from functools import partial

import pytest

from asyncworker.dispatch import CANCEL_GRACE
from asyncworker.errors import ConfigurationError
from packages.core.tests.running.lifecycle.handler import SHUTDOWN_TIMEOUT
from packages.core.tests.waiting import deaf_until, ended, turns, until


class BackendFailed(ConfigurationError):
    pass


async def fail():
    try:
        raise OSError("connection refused")
    except OSError as error:
        raise BackendFailed("cannot reach kafka") from error


async def test_a_backend_that_cannot_start_ends_the_run_with_its_error(
    app, handler, serve, kafka, calls
):
    kafka.kafka.entering = fail
    app.run_on_shutdown(calls.append)
    with pytest.raises(BackendFailed, match="cannot reach kafka"):
        await serve(app)
    assert calls == [app]


async def test_a_backend_whose_start_times_out_ends_the_run_with_that_error(
    app, handler, serve, kafka
):
    async def entering():
        raise TimeoutError("no answer")

    kafka.kafka.entering = entering
    with pytest.raises(TimeoutError, match="no answer"):
        await serve(app)


async def test_the_error_of_a_backend_keeps_its_cause(app, handler, serve, kafka):
    kafka.kafka.entering = fail
    with pytest.raises(BackendFailed) as caught:
        await serve(app)
    assert isinstance(caught.value.__cause__, OSError)


async def test_a_backend_that_fails_while_it_stops_lets_the_others_drain(
    app, handler, other, start, kafka, connection
):
    """Cancelling would have their messages handled twice."""
    kafka.pulsar.leaving = fail
    other.release.set()
    task = await start()
    await until(handler.entered)
    await until(other.entered)
    app.shutdown()
    await turns()
    handler.release.set()
    assert isinstance(await ended(task), BackendFailed)
    assert handler.end == "done"
    assert connection.outcomes == [([1], None)]


async def test_a_backend_that_fails_while_it_serves_lets_the_others_drain(
    handler, other, start, kafka, connection
):
    kafka.pulsar.serving = fail
    task = await start()
    await until(handler.entered)
    await turns()
    handler.release.set()
    assert isinstance(await ended(task), BackendFailed)
    assert handler.end == "done"
    assert connection.outcomes == [([1], None)]


async def test_a_backend_that_cannot_start_lets_the_others_drain_within_the_deadline(
    handler, other, start, kafka, clock
):
    async def entering():
        await handler.entered.wait()
        await fail()

    kafka.pulsar.entering = entering
    task = await start()
    await until(handler.entered)
    await turns()
    await clock.advance(SHUTDOWN_TIMEOUT + 1)
    try:
        assert handler.end == "cancelled"
    finally:
        handler.release.set()
    assert isinstance(await ended(task), BackendFailed)


async def test_a_group_of_errors_is_told_by_its_first(app, handler, serve, kafka):
    async def failing():
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    kafka.kafka.entering = failing
    with pytest.raises(BackendFailed):
        await serve(app)


async def test_a_backend_that_ignores_its_cancellation_is_abandoned(
    app, handler, start, kafka, clock, monkeypatch
):
    """The contract says that it ends within seconds; a worker that never exits is worse."""
    release = asyncio.Event()

    kafka.kafka.leaving = partial(deaf_until, release)
    handler.release.set()
    task = await start()
    await until(handler.entered)
    app.shutdown()
    await turns()
    await clock.advance(SHUTDOWN_TIMEOUT + 1)
    for _ in range(10):
        await clock.advance(CANCEL_GRACE + 1)
    try:
        assert task.done()
    finally:
        release.set()
        await ended(task)
