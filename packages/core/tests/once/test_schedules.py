"""Schedules that one process among all runs."""

import asyncio

import pytest

from asyncworker import App, Options, health
from asyncworker.cli.listing import rows_of
from asyncworker.once.standing import FIRST_TIMEOUT
from packages.core.tests.schedules.handlers import Job
from packages.core.tests.waiting import ended, passed, turns

NAME = "packages.core.tests.schedules.handlers.Job"


@pytest.fixture
async def clock(still_clock):
    return still_clock


@pytest.fixture
async def job():
    return Job()


def places(app):
    return [(one["state"], one["reason"]) for one in health.health(app)["routes"]]


async def test_who_holds_the_lock_runs_it(app, connection, job, clock):
    app.run_every(5, once=True)(job)
    async with app.started():
        await turns()
        await passed(clock, 10)
        assert places(app) == [("working", None)]
        assert health.health(app)["ready"]
        assert connection.locks[NAME].users == 1
    assert job.begun == [0, 5, 10]
    assert connection.locks[NAME].users == 0


async def test_who_does_not_stands_by_and_is_ready(locking, job, clock, logs):
    connection = locking(held=False)
    app = App(connections=[connection])
    app.run_every(5, once=True)(job)
    async with app.started():
        await turns()
        await passed(clock, 10)
        assert places(app) == [("standing by", f"another holds lock {NAME!r}")]
        assert health.health(app)["ready"]
        assert app.problems == []
        connection.locks[NAME].turn(held=True)
        await passed(clock, 5)
        assert places(app) == [("working", None)]
    assert job.begun == [15]
    told = f"handler Job, every 5 s: standing by: another holds lock {NAME!r}"
    assert len(logs.matching(told)) == 1
    assert len(logs.matching(f"handler Job, every 5 s: this process holds lock {NAME!r}")) == 1


async def test_nothing_begins_from_the_moment_that_the_lock_is_lost(
    app, connection, job, clock, logs
):
    app.run_every(5, once=True)(job)
    async with app.started():
        await turns()
        lock = connection.locks[NAME]
        # Nobody was told yet.
        lock.held, lock.problem = False, "no connection"
        await passed(clock, 5)
        lock.turn(problem="no connection")
        await passed(clock, 5)
        reason = f"lock {NAME!r}: no connection"
        assert places(app) == [("waiting", reason)]
        assert not health.health(app)["ready"]
        assert app.problems == [f"handler Job, every 5 s: {reason}"]
        lock.turn(held=True)
        await passed(clock, 5)
        assert app.problems == []
    assert job.begun == [0, 15]
    assert len(logs.matching(reason)) == 1


async def test_the_first_decision_is_waited_for(locking, job, clock):
    connection = locking()
    app = App(connections=[connection])
    app.run_every(60, once=True)(job)
    async with app.started():
        await turns()
        await passed(clock, 3)
        assert job.begun == []
        connection.locks[NAME].turn(held=True)
        await turns()
        assert job.begun == [3]


async def test_but_not_for_long(locking, job, clock):
    connection = locking()
    app = App(connections=[connection])
    app.run_every(60, once=True)(job)
    async with app.started():
        await turns()
        await passed(clock, round(FIRST_TIMEOUT) + 1)
        connection.locks[NAME].turn(held=True)
        await turns()
        assert job.begun == []
        await passed(clock, 60)
    assert job.begun == [round(FIRST_TIMEOUT) + 60]


async def test_a_start_that_waits_for_a_lock_can_be_stopped(locking, job, start, app):
    app.connections.all[0].first = {}
    app.run_every(60, once=True)(job)
    serving = await start()
    app.shutdown()
    assert await ended(serving) is None
    assert job.begun == []


async def test_the_lock_is_given_up_when_all_runs_have_ended(app, connection, start, clock):
    app.run_every(5, once=True)(long_job := Job(lasts=True))
    serving = await start()
    app.shutdown()
    await turns()
    assert connection.locks[NAME].users == 1
    await long_job.end()
    assert await ended(serving) is None
    assert long_job.ended == ["done"]
    assert connection.locks[NAME].users == 0


async def test_what_runs_goes_on_when_the_lock_is_lost(app, connection, clock):
    app.run_every(5, once=True)(long_job := Job(lasts=True))
    async with app.started():
        await turns()
        connection.locks[NAME].turn(held=False)
        await turns()
        await long_job.end()
    assert (long_job.begun, long_job.ended) == ([0], ["done"])


async def test_the_list_of_schedules_names_the_lock(locking, job):
    app = App(connections=[locking("jobs")])
    app.run_every(5, {Options.TIMEOUT: 4}, once="prices")(job)
    app.run_every(5)(job)
    [first, second] = [row[3:] for row in rows_of(app)]
    assert first == ("once=prices timeout=4.0", "jobs")
    assert second == ("", "")


async def test_nothing_is_left_at_the_end(app, connection, job):
    app.run_every(5, once=True)(job)
    async with app.started():
        await turns()
        connection.locks[NAME].turn(problem="no connection")
        await turns()
        assert app.problems
    assert app.problems == []
    assert asyncio.all_tasks() == {asyncio.current_task()}
