"""The start and the end of a run: when schedules begin, and how what runs then ends."""

import asyncio

import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.dispatch import CANCEL_GRACE
from asyncworker.errors import DrainTimeout, HookFailed
from packages.core.tests.schedules.handlers import Handlers, Job
from packages.core.tests.waiting import deaf_until, ended, passed, turns

SHUTDOWN_TIMEOUT = 20


async def test_nothing_runs_before_backends_take_work(app, kafka, clock, job):
    app = App(connections=[kafka.KafkaConnection([1])])
    app.run_every(1)(job)
    app.route(["orders"], type=RouteTypes.KAFKA)(Handlers().takes_app)
    seen = []

    async def entering():
        await turns()
        seen.append(list(job.begun))

    kafka.kafka.entering = entering
    async with app.started():
        await turns()
    assert seen == [[]]
    assert job.begun == [0]


async def test_nothing_runs_when_the_start_fails(app, job):
    app.run_every(1)(job)

    @app.run_on_startup
    async def fail(app):
        raise ValueError

    with pytest.raises(HookFailed):
        await app.serve()
    await turns()
    assert job.begun == []


async def test_a_run_may_end_after_the_stop_and_no_other_begins(app, long_job, start, clock):
    app.run_every(5)(long_job)
    app.run_every(7, first=7)(other := Job())
    serving = await start()
    app.shutdown()
    await turns()
    await passed(clock, 15)
    assert not serving.done()
    await long_job.end()
    assert await ended(serving) is None
    assert (long_job.begun, long_job.ended) == ([0], ["done"])
    assert other.begun == []


async def test_a_run_that_was_due_as_the_stop_came_does_not_begin(app, job):
    app.run_every(1)(job)
    async with app.started():
        pass
    await turns()
    assert job.begun == []


async def test_at_the_deadline_what_runs_is_cancelled_and_shutdown_hooks_follow(
    app, long_job, start, clock
):
    app.run_every(5, {Options.MAX_CONCURRENCY: 2})(long_job)
    app.run_on_shutdown(lambda _: long_job.ended.append("hook"))
    serving = await start()
    await passed(clock, 5)
    app.shutdown()
    await turns()
    await clock.advance(SHUTDOWN_TIMEOUT - 1)
    assert long_job.ended == []
    await clock.advance(1)
    assert isinstance(await ended(serving), DrainTimeout)
    assert long_job.ended == ["cancelled", "cancelled", "hook"]


async def test_runs_and_batches_drain_side_by_side_within_one_deadline(
    kafka, long_job, clock, start, app
):
    batch_job = Job(lasts=True)

    async def handler(items):
        await batch_job()

    app = App(connections=[kafka.KafkaConnection([1])])
    app.route(["orders"], type=RouteTypes.KAFKA)(handler)
    app.run_every(1000)(long_job)
    serving = asyncio.create_task(app.serve())
    await turns()
    app.shutdown()
    await turns()
    await clock.advance(SHUTDOWN_TIMEOUT)
    assert isinstance(await ended(serving), DrainTimeout)
    assert (batch_job.ended, long_job.ended) == (["cancelled"], ["cancelled"])


async def test_runs_that_ignore_their_cancellation_are_abandoned(app, start, clock, caplog):
    release = asyncio.Event()

    async def deaf():
        await deaf_until(release)

    for _ in range(20):
        app.run_every(1000)(deaf)
    serving = await start()
    app.shutdown()
    await turns()
    await clock.advance(SHUTDOWN_TIMEOUT)
    await clock.advance(CANCEL_GRACE)
    assert isinstance(await ended(serving), DrainTimeout)
    assert caplog.messages.count("abandoned 1 handler that would not be cancelled") == 20
    release.set()
    await turns()


async def test_a_backend_that_fails_ends_the_schedules_too(kafka, job, clock):
    async def fail():
        await turns()
        raise ValueError("broken")

    kafka.kafka.serving = fail
    app = App(connections=[kafka.KafkaConnection([])])
    app.route(["orders"], type=RouteTypes.KAFKA)(Handlers().takes_app)
    app.run_every(5)(job)
    with pytest.raises(ValueError, match="broken"):
        await app.serve()
    await clock.advance(20)
    assert job.begun == [0]


async def test_no_task_is_left_at_the_end(app, job):
    app.run_every(5)(job)
    app.run_every(5, first=5)(job)
    async with app.started():
        await turns()
    assert asyncio.all_tasks() == {asyncio.current_task()}
