"""Hooks that are told what handlers raise: of what, when, and what becomes of their own errors."""

import asyncio
import contextlib
import threading

import pytest

from asyncworker import App, Call, Options, RouteTypes
from asyncworker.errors import ConfigurationError, HandlerTimeout
from asyncworker.middleware.error_hook import LIMIT as SECONDS
from packages.core.tests.waiting import LIMIT, turns, until


@pytest.fixture
def connection(kafka):
    return kafka.KafkaConnection([1])


@pytest.fixture
def app(connection):
    return App(connections=[connection])


@pytest.fixture
def told():
    return []


@pytest.fixture
async def clock(still_clock):
    return still_clock


async def handled(app):
    async with asyncio.timeout(LIMIT), app.started():
        await turns()


def raising(app, error, **given):
    @app.route(["orders"], type=RouteTypes.KAFKA, **given)
    async def handler(items):
        raise error

    return handler


async def nothing(items):
    """Handle nothing."""


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        ExceptionGroup("several", [ValueError("no"), KeyError("k")]),
        SystemExit(3),
        KeyboardInterrupt(),
        asyncio.CancelledError("its own"),
    ],
    ids=repr,
)
async def test_each_is_told_what_a_handler_raises(app, connection, told, error):
    @app.on_error
    async def first(error, call):
        assert connection.outcomes == []
        told.append(("first", error, call))

    @app.on_error
    def second(error, call):
        assert threading.current_thread() is not threading.main_thread()
        told.append(("second", error, call))

    raising(app, error)
    await handled(app)
    call = Call(app=app, route=app.routes[0], type=RouteTypes.KAFKA, items=(1,))
    assert sorted(told, key=lambda one: one[0]) == [
        ("first", error, call),
        ("second", error, call),
    ]
    assert connection.outcomes == [([1], error)]


async def test_what_a_middleware_raises_is_told_and_what_it_handles_is_not(app, told):
    app.on_error(keep(told))
    mistake = KeyError("mine")

    async def other(call, call_next):
        try:
            await call_next()
        except ValueError:
            raise mistake from None

    async def forgiving(call, call_next):
        with contextlib.suppress(ValueError):
            await call_next()

    raising(app, ValueError("no"), middlewares=[other])
    raising(app, ValueError("no"), middlewares=[forgiving])
    await handled(app)
    assert told == [mistake]


def keep(told):
    async def hook(error, call):
        told.append(error)

    return hook


async def test_nothing_is_told_of_what_went_well(app, told):
    app.on_error(keep(told))
    app.route(["orders"], type=RouteTypes.KAFKA)(nothing)
    await handled(app)
    assert told == []


async def test_that_of_a_schedule_is_told(told, clock):
    app = App()
    app.on_error(keep(told))
    error = ValueError("no")

    @app.run_every(100)
    async def job():
        raise error

    await handled(app)
    assert told == [error]


async def test_a_handler_that_took_too_long_is_told(app, told, clock):
    app.on_error(keep(told))
    entered = asyncio.Event()

    @app.route(["orders"], type=RouteTypes.KAFKA, options={Options.TIMEOUT: 5})
    async def handler(items):
        entered.set()
        await asyncio.Event().wait()

    async with app.started():
        await until(entered)
        await clock.advance(5)
        await turns()
    [error] = told
    assert isinstance(error, HandlerTimeout)


async def test_a_cancellation_from_outside_is_not_told(app, connection, start, told):
    app.on_error(keep(told))
    entered = asyncio.Event()

    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handler(items):
        entered.set()
        await asyncio.Event().wait()

    task = await start()
    await until(entered)
    for _ in range(2):
        task.cancel()
        await turns()
    await asyncio.wait([task], timeout=LIMIT)
    assert [type(error) for _, error in connection.outcomes] == [asyncio.CancelledError]
    assert told == []


@pytest.mark.parametrize(
    "mistake", [KeyError("mine"), SystemExit(3), asyncio.CancelledError("its own")], ids=repr
)
async def test_what_a_hook_raises_is_one_line_and_harms_nobody(
    app, connection, told, caplog, mistake
):
    @app.on_error
    async def broken(error, call):
        raise mistake

    app.on_error(keep(told))
    error = ValueError("no")
    raising(app, error)
    await handled(app)
    assert told == [error]
    assert connection.outcomes == [([1], error)]
    [record] = [one for one in caplog.records if "error hook" in one.getMessage()]
    assert record.getMessage().endswith(f"broken raised {mistake!r}")


async def test_a_hook_that_takes_too_long_is_cancelled_and_the_batch_is_settled(
    app, connection, clock, caplog
):
    entered, ended = asyncio.Event(), asyncio.Event()

    @app.on_error
    async def hanging(error, call):
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    error = ValueError("no")
    raising(app, error)
    async with app.started():
        await until(entered)
        await clock.advance(SECONDS - 0.1)
        assert connection.outcomes == []
        await clock.advance(0.1)
        await until(ended)
        await turns()
        assert connection.outcomes == [([1], error)]
    [line] = [one for one in caplog.messages if "hanging" in one]
    assert line.endswith(
        "raised HandlerTimeout('it took longer than 5 s (the limit of error hooks) "
        "and was cancelled')"
    )


async def test_a_hook_is_cancelled_with_what_it_is_told_of(app, connection, start):
    entered, ended = asyncio.Event(), asyncio.Event()

    @app.on_error
    async def hanging(error, call):
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    raising(app, ValueError("no"))
    task = await start()
    await until(entered)
    for _ in range(2):
        task.cancel()
        await turns()
    await asyncio.wait([task], timeout=LIMIT)
    assert ended.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_the_decorator_returns_the_hook(app):
    async def hook(error, call): ...

    def plain(error, call): ...

    assert app.on_error(hook) is hook
    assert app.on_error(plain) is plain


async def generator(error, call):
    yield


async def takes_one(error): ...


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (5, "an error hook must be a function that takes (error, call), got 5"),
        (generator, "error hook generator yields, and would never run"),
        (
            takes_one,
            (
                "error hook takes_one cannot be called with (error, call): "
                "too many positional arguments"
            ),
        ),
    ],
    ids=["no function", "a generator", "one argument"],
)
def test_a_wrong_hook_is_one_clear_line(app, wrong, reason):
    with pytest.raises(ConfigurationError) as caught:
        app.on_error(wrong)
    assert str(caught.value) == reason
    assert app.error_hooks == []


async def test_none_can_be_declared_while_the_app_runs(app):
    async with app.started():
        with pytest.raises(ConfigurationError, match=r"declare error hooks before app\.run"):
            app.on_error(nothing)
