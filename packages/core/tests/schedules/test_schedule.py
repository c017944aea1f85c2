"""Handlers that run by the clock: when, with what, and what becomes of what they raise."""

import asyncio
import logging
import math
import sys
from functools import partial

import pytest

from asyncworker import Options, RouteOptions
from asyncworker.errors import ConfigurationError
from asyncworker.log_fields import log_fields
from packages.core.tests.schedules.handlers import Handlers, Job
from packages.core.tests.waiting import passed, turns

# When


async def test_a_handler_runs_at_the_start_and_then_at_each_interval(app, job, clock):
    assert app.run_every(5)(job) is job
    async with app.started():
        await turns()
        await passed(clock, 16)
    assert job.begun == [0, 5, 10, 15]


@pytest.mark.parametrize(
    ("first", "begun"), [(0, [0, 5, 10]), (5, [5, 10]), (3, [3, 8]), (0.0, [0, 5, 10]), (60, [])]
)
async def test_the_first_run_is_a_choice(app, job, clock, first, begun):
    app.run_every(5, first=first)(job)
    async with app.started():
        await turns()
        await passed(clock, 12)
    assert job.begun == begun


async def test_intervals_may_be_fractions(app, job, clock):
    app.run_every(0.5)(job)
    async with app.started():
        await turns()
        for _ in range(4):
            await clock.advance(0.5)
    assert len(job.begun) == 5


async def test_several_schedules_run_side_by_side_even_of_one_handler(app, job, clock):
    app.run_every(3)(app.run_every(5, first=5)(job))
    async with app.started():
        await turns()
        await passed(clock, 10)
    assert job.begun == [0, 3, 5, 6, 9, 10]


async def test_a_delay_shifts_no_later_tick(app, job, clock):
    app.run_every(10)(job)
    async with app.started():
        await turns()
        for late in (13, 11, 13):
            await clock.advance(late)
        await passed(clock, 13)
    assert job.begun == [0, 13, 24, 37, 40, 50]


async def test_ticks_that_pass_while_the_loop_is_held_up_are_left_out(app, job, clock):
    app.run_every(1)(job)
    async with app.started():
        await turns()
        await clock.advance(100)
        await clock.advance(1)
    assert job.begun == [0, 100, 101]


async def test_a_timer_that_is_early_ticks_once(app, job, clock):
    # asyncio fires timers up to the resolution of its clock too early.
    asyncio.get_running_loop()._clock_resolution = 0.9
    app.run_every(5)(job)
    async with app.started():
        await turns()
        await passed(clock, 11)
    assert len(job.begun) == 3


async def test_an_app_that_runs_again_begins_again(app, job):
    app.run_every(1000)(job)
    for _ in range(2):
        async with app.started():
            await turns()
    assert len(job.begun) == 2


async def test_a_schedule_needs_no_route_and_may_stop_the_app(app, serve):
    @app.run_every(1000)
    async def stop(app):
        app.shutdown()

    await serve(app)


# What it is given


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("takes_app", lambda app: app),
        ("may_take_app", lambda app: app),
        ("takes_anything", lambda app: ((app,), {})),
        ("takes_nothing", lambda _: None),
    ],
)
async def test_a_handler_takes_the_app_or_nothing(app, name, expected):
    handlers = Handlers()
    app.run_every(1000)(getattr(handlers, name))
    async with app.started():
        await turns()
    assert handlers.given == [expected(app)]


async def test_a_partial_is_a_handler(app):
    handlers = Handlers()
    app.run_every(1000)(partial(handlers.takes_two, "prefix"))
    async with app.started():
        await turns()
    assert handlers.given == [("prefix", app)]


# Overlapping


async def test_ticks_are_skipped_while_a_run_lasts(app, long_job, clock, caplog):
    app.run_every(5)(long_job)
    async with app.started():
        await turns()
        await passed(clock, 12)
        assert long_job.begun == [0]
        await long_job.end()
        assert long_job.begun == [0]
        await passed(clock, 3)
        assert long_job.begun == [0, 15]
        await long_job.end()
    warnings = [each for each in caplog.messages if "skipped" in each]
    assert warnings == ["handler Job, every 5 s: skipped, with 1 run still going on"]


async def test_the_log_says_once_for_each_long_run_that_ticks_are_skipped(
    app, long_job, clock, caplog
):
    app.run_every(5)(long_job)
    async with app.started():
        await turns()
        for _ in range(2):
            await passed(clock, 12)
            await long_job.end()
            await passed(clock, 3)
        await long_job.end()
    assert len([each for each in caplog.messages if "skipped" in each]) == 2


async def test_as_many_runs_as_the_option_says_go_side_by_side(app, long_job, clock):
    app.run_every(1, options={Options.MAX_CONCURRENCY: 3})(long_job)
    async with app.started():
        await turns()
        await passed(clock, 10)
        assert long_job.begun == [0, 1, 2]
        await long_job.end()
        await passed(clock, 2)
        assert long_job.begun == [0, 1, 2, 11, 12]
        await long_job.end()


async def test_typed_options_are_taken(app):
    app.run_every(1, RouteOptions(max_concurrency=3, timeout=5))(Handlers().takes_nothing)
    assert app.schedules[0].options.max_concurrency == 3
    assert app.schedules[0].options.timeout == 5


# Raising


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), asyncio.CancelledError(), SystemExit(3), KeyboardInterrupt()],
    ids=repr,
)
async def test_a_handler_that_raises_is_logged_and_runs_again(app, clock, caplog, error):
    runs = 0

    async def job():
        nonlocal runs
        runs += 1
        raise error

    app.run_every(5)(job)
    async with app.started():
        await turns()
        await passed(clock, 5)
        assert runs == 2
        assert app.problems == []
    records = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert len(records) == 2
    assert records[0].getMessage().endswith(f"job, every 5 s: raised {error!r}")
    assert records[0].exc_info[1] is error
    assert records[0].exc_info[2].tb_frame.f_code is job.__code__


async def test_data_of_what_a_handler_raises_is_not_in_the_log(app, clock, caplog):
    data = b"hunter2" * 100_000 + b"\xff"

    async def job():
        data.decode()

    app.run_every(5)(job)
    async with app.started():
        await turns()
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "raised UnicodeDecodeError(" in record.getMessage()
    assert "hunter2" not in caplog.text + str(vars(record))


async def test_a_run_that_takes_too_long_is_cancelled_and_leaves_its_place(
    app, long_job, clock, caplog
):
    app.run_every(5, {Options.TIMEOUT: 3})(long_job)
    async with app.started():
        await turns()
        await passed(clock, 4)
        assert long_job.ended == ["cancelled"]
        await passed(clock, 1)
        assert long_job.begun == [0, 5]
        await long_job.end()
    assert (
        "handler Job, every 5 s: raised HandlerTimeout("
        "'it took longer than 3 s (Options.TIMEOUT) and was cancelled')"
    ) in caplog.messages


# What is wrong


@pytest.mark.parametrize(
    "seconds", [0, -1, -0.5, math.nan, math.inf, -math.inf, True, None, [1], 10**400], ids=repr
)
def test_wrong_seconds_are_one_line_that_shows_them(app, seconds):
    with pytest.raises(ConfigurationError) as caught:
        app.run_every(seconds)
    reason = f"run_every() takes seconds, a number greater than 0, got {seconds!r}"
    assert str(caught.value) == reason


@pytest.mark.parametrize("first", [-1, math.nan, math.inf, True, None, "now"], ids=repr)
def test_a_wrong_first_run_is_one_line_that_shows_it(app, first):
    with pytest.raises(ConfigurationError) as caught:
        app.run_every(5, first=first)
    reason = f"first is the seconds until the first run, 0 or more, got {first!r}"
    assert str(caught.value) == reason


def test_a_cron_expression_for_seconds_is_answered_with_what_takes_it(app):
    with pytest.raises(ConfigurationError) as caught:
        app.run_every("*/5 * * * *")
    assert str(caught.value) == (
        "run_every() takes seconds, got '*/5 * * * *': run_at() takes cron expressions"
    )


def test_the_decorator_without_its_call_is_an_error(app):
    with pytest.raises(ConfigurationError, match=r"^run_every\(\) takes seconds, a number"):

        @app.run_every
        async def job(): ...


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Job, "handler Job is not async: create an instance of it"),
        (Handlers().takes_two, "takes_two cannot be called with the app alone: "),
        (5, "a handler must be a function, got 5"),
    ],
    ids=["a class", "two arguments", "no function"],
)
def test_a_wrong_handler_is_an_error(app, wrong, message):
    with pytest.raises(ConfigurationError, match=message):
        app.run_every(5)(wrong)
    assert app.schedules == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({Options.MAX_CONCURRENCY: 0}, r"^Options.MAX_CONCURRENCY: .* got 0$"),
        ({Options.MAX_CONCURRENCY: None}, r"^Options.MAX_CONCURRENCY: .* got None$"),
        ({Options.TIMEOUT: -1}, r"^Options.TIMEOUT: .* got -1$"),
        ({Options.BULK_SIZE: 2}, "^a schedule takes no option Options.BULK_SIZE: choose from "),
        (RouteOptions(bulk_size=2), "^a schedule takes no option Options.BULK_SIZE: "),
        (5, "^options must be a dict keyed by Options, got 5$"),
    ],
    ids=repr,
)
def test_a_wrong_option_is_an_error(app, options, message):
    with pytest.raises(ConfigurationError, match=message):
        app.run_every(5, options)(Handlers().takes_nothing)


async def test_no_schedule_can_be_declared_while_the_app_runs(app):
    async with app.started():
        with pytest.raises(ConfigurationError, match=r"declare schedules before app\.run"):
            app.run_every(5)(Handlers().takes_nothing)


def test_cron_expressions_without_their_library_say_what_to_install(app, monkeypatch):
    monkeypatch.setitem(sys.modules, "cronsim", None)
    app.run_every(5)(Handlers().takes_nothing)
    with pytest.raises(ConfigurationError) as caught:
        app.run_at("* * * * *")
    assert str(caught.value) == (
        "cron expressions need cronsim: pip install asyncworker-core[cron]"
    )


async def test_lines_of_a_run_say_which_schedule_it_is(app, clock):
    found = []

    @app.run_every(5)
    async def tidy():
        found.append(log_fields())

    async with app.started():
        await turns()
    assert found == [{"route": tidy.__qualname__}]
