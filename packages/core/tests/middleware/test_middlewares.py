"""Middlewares: in which order, around what, and what becomes of what they do."""

import asyncio
import functools
import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asyncworker import App, Call, Options, RouteTypes
from asyncworker.errors import ConfigurationError, HandlerTimeout
from packages.core.tests.waiting import LIMIT, turns, until


@pytest.fixture
def connection(kafka):
    return kafka.KafkaConnection([1])


@pytest.fixture
def app(connection):
    return App(connections=[connection])


@pytest.fixture
def calls():
    return []


@pytest.fixture
async def clock(still_clock):
    return still_clock


def noting(calls, name):
    async def middleware(call, call_next):
        calls.append(f"{name} in")
        await call_next()
        calls.append(f"{name} out")

    return middleware


async def handled(app):
    async with asyncio.timeout(LIMIT), app.started():
        await turns()


# Order and reach


async def test_the_first_declared_is_the_outermost_and_those_of_the_app_are_around_those_of_a_route(
    app, calls
):
    own = [noting(calls, "third"), noting(calls, "fourth")]

    @app.route(["orders"], type=RouteTypes.KAFKA, middlewares=own)
    async def handler(items):
        calls.append("handler")

    app.middleware(noting(calls, "first"))
    app.middleware(noting(calls, "second"))
    await handled(app)
    names = ["first", "second", "third", "fourth"]
    ways = [f"{name} in" for name in names], [f"{name} out" for name in reversed(names)]
    assert calls == [*ways[0], "handler", *ways[1]]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.permutations(["app", "app", "handler"]), st.integers(0, 3))
def test_the_order_of_declarations_says_nothing_about_what_is_around_what(kafka, order, own):
    calls, declared = [], 0
    app = App(connections=[kafka.KafkaConnection([1])])

    async def handler(items):
        calls.append("handler")

    def declare(names):
        middlewares = [noting(calls, name) for name in names]
        app.route(["orders"], type=RouteTypes.KAFKA, middlewares=middlewares)(handler)

    names = [f"route {number}" for number in range(own)]
    for what in order:
        if what == "app":
            app.middleware(noting(calls, f"app {declared}"))
            declared += 1
        elif what == "handler":
            declare(names)
    asyncio.run(handled(app))
    around = ["app 0", "app 1", *names]
    inward, outward = around, list(reversed(around))
    assert calls == [f"{n} in" for n in inward] + ["handler"] + [f"{n} out" for n in outward]


async def test_a_middleware_of_one_route_is_not_around_another(app, calls):
    app.route(["a"], type=RouteTypes.KAFKA, middlewares=[noting(calls, "a")])(nothing)
    app.route(["b"], type=RouteTypes.KAFKA)(nothing)
    await handled(app)
    assert calls == ["a in", "a out"]


async def test_the_call_says_what_is_called(app, calls, connection):
    @app.middleware
    async def keep(call, call_next):
        calls.append(call)
        await call_next()

    app.route(["orders"], type=RouteTypes.KAFKA)(nothing)
    await handled(app)
    [call] = calls
    assert call == Call(app=app, route=app.routes[0], type=RouteTypes.KAFKA, items=(1,))
    assert call.request is None
    assert call.route.handler_name == "nothing"
    with pytest.raises(AttributeError):
        call.items = ()
    assert connection.outcomes == [([1], None)]


async def test_schedules_have_middlewares_too(calls, clock):
    app = App()

    async def keep(call, call_next):
        calls.append(call)
        calls.append(await call_next())

    @app.run_every(5, {Options.TIMEOUT: 3}, middlewares=[keep])
    async def job(app):
        return "ran"

    @app.run_at("* * * * *", middlewares=[keep])
    async def never(): ...

    await handled(app)
    [schedule, _] = app.schedules
    assert calls == [Call(app=app, route=schedule, type=None), "ran"]


async def test_middlewares_are_around_each_run_of_an_app_once(app, calls):
    app.middleware(noting(calls, "app"))
    app.route(["orders"], type=RouteTypes.KAFKA)(nothing)
    for _ in range(2):
        await handled(app)
    assert calls == ["app in", "app out"] * 2


async def nothing(items):
    """Handle nothing."""


async def test_without_any_the_backend_is_given_the_route_as_it_is(app, kafka, monkeypatch):
    served, serve = [], kafka.kafka.serve
    monkeypatch.setattr(
        kafka.kafka, "serve", lambda app, routes: served.extend(routes) or serve(app, routes)
    )
    app.route(["orders"], type=RouteTypes.KAFKA)(nothing)
    await handled(app)
    assert served == app.routes
    assert served[0] is app.routes[0]
    assert served[0].handler is nothing


async def test_with_some_the_names_and_the_table_stay_those_of_the_handler(
    app, kafka, monkeypatch, calls
):
    served, serve = [], kafka.kafka.serve
    monkeypatch.setattr(
        kafka.kafka, "serve", lambda app, routes: served.extend(routes) or serve(app, routes)
    )
    app.middleware(noting(calls, "app"))
    app.route(["orders"], type=RouteTypes.KAFKA)(nothing)
    await handled(app)
    assert app.routes[0].handler is nothing
    assert served[0].handler_name == "nothing"
    assert served[0].middlewares == ()


# What they return and raise


async def test_what_the_handler_returns_is_what_call_next_returns(app, calls, connection, caplog):
    @app.middleware
    async def keep(call, call_next):
        calls.append(await call_next())
        return "mine"

    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handler(items):
        return "its"

    await handled(app)
    assert calls == ["its"]
    assert connection.outcomes == [([1], None)]
    assert "handler.<locals>" not in caplog.text
    assert caplog.messages[-1].endswith("handler returned str: nothing takes it, here and later")


async def test_what_a_middleware_raises_counts_as_raised_by_the_handler(app, connection):
    error = ValueError("no")

    @app.middleware
    async def broken(call, call_next):
        await call_next()
        raise error

    app.route(["orders"], type=RouteTypes.KAFKA)(nothing)
    await handled(app)
    assert connection.outcomes == [([1], error)]


async def test_what_a_handler_raises_passes_through_and_may_be_handled(app, connection, calls):
    @app.middleware
    async def forgiving(call, call_next):
        try:
            await call_next()
        except ValueError as error:
            calls.append(error)

    error = ValueError("no")

    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handler(items):
        raise error

    await handled(app)
    assert calls == [error]
    assert connection.outcomes == [([1], None)]


async def test_a_middleware_that_goes_on_with_nothing_skips_the_handler(app, connection, calls):
    @app.middleware
    async def seen(call, call_next): ...

    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handler(items):
        calls.append(items)

    await handled(app)
    assert calls == []
    assert connection.outcomes == [([1], None)]


async def test_the_handler_may_change_its_list_but_not_what_middlewares_see(app, calls):
    @app.middleware
    async def keep(call, call_next):
        await call_next()
        calls.append(call.items)

    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handler(items):
        items.clear()

    await handled(app)
    assert calls == [(1,)]


async def twice(call, call_next):
    await call_next()
    await call_next()


async def in_vain(call, call_next):
    call_next()


kept = []


async def too_early(call, call_next):
    kept.append(asyncio.create_task(call_next()))
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("middleware", "reason"),
    [
        (twice, "middleware twice called call_next() twice: call it once"),
        (in_vain, "middleware in_vain called call_next() in vain: await it"),
        (too_early, "middleware too_early returned before call_next() had ended: await it"),
    ],
)
async def test_a_wrong_use_of_call_next_is_one_clear_line(app, connection, middleware, reason):
    app.middleware(middleware)
    done = asyncio.Event()

    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handler(items):
        if middleware is too_early:
            await done.wait()

    await handled(app)
    [(_, error)] = connection.outcomes
    assert isinstance(error, ConfigurationError)
    assert str(error) == reason
    done.set()
    await asyncio.gather(*kept)
    kept.clear()


async def test_call_next_that_comes_too_late_calls_nobody(app, connection, calls):
    @app.middleware
    async def late(call, call_next):
        calls.append(call_next)

    app.route(["orders"], type=RouteTypes.KAFKA)(nothing)
    await handled(app)
    with pytest.raises(
        ConfigurationError, match=r"late called call_next\(\) after it had returned"
    ):
        calls[0]()


async def test_a_middleware_sees_that_the_handler_took_too_long_and_has_longer_itself(
    app, connection, clock, calls
):
    release, entered = asyncio.Event(), asyncio.Event()

    @app.middleware
    async def slow(call, call_next):
        entered.set()
        await release.wait()
        try:
            await call_next()
        except HandlerTimeout as error:
            calls.append(error)
            raise

    @app.route(["orders"], type=RouteTypes.KAFKA, options={Options.TIMEOUT: 5})
    async def handler(items):
        entered.set()
        await asyncio.Event().wait()

    async with app.started():
        await until(entered)
        await clock.advance(50)
        assert connection.outcomes == []
        entered.clear()
        release.set()
        await until(entered)
        await clock.advance(5)
        await turns()
        assert connection.outcomes == [([1], calls[0])]


async def test_a_schedule_is_limited_within_its_middlewares_too(clock, calls):
    app = App()

    @app.middleware
    async def keep(call, call_next):
        try:
            await call_next()
        except HandlerTimeout as error:
            calls.append(str(error))

    @app.run_every(100, {Options.TIMEOUT: 5})
    async def job():
        await asyncio.Event().wait()

    async with app.started():
        await turns()
        await clock.advance(5)
        await turns()
    assert calls == ["it took longer than 5 s (Options.TIMEOUT) and was cancelled"]


async def test_a_cancellation_passes_through(app, connection, start, calls):
    entered = asyncio.Event()

    @app.middleware
    async def cleaning(call, call_next):
        try:
            await call_next()
        finally:
            calls.append("cleaned")

    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handler(items):
        entered.set()
        await asyncio.Event().wait()

    task = await start()
    await until(entered)
    task.cancel()
    await turns()
    task.cancel()
    await asyncio.wait([task], timeout=LIMIT)
    [(_, error)] = connection.outcomes
    assert isinstance(error, asyncio.CancelledError)
    assert calls == ["cleaned"]


async def test_context_variables_that_a_middleware_sets_are_those_of_its_call(app, calls, kafka):
    from contextvars import ContextVar

    variable = ContextVar("variable", default="none")
    app = App(connections=[kafka.KafkaConnection([1, 2])])

    @app.middleware
    async def setting(call, call_next):
        before = variable.get()
        variable.set(call.items)
        await call_next()
        calls.append((before, variable.get()))

    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handler(items):
        calls.append(variable.get())

    await handled(app)
    assert sorted(map(str, calls)) == sorted(map(str, [(1,), ("none", (1,)), (2,), ("none", (2,))]))


# What is wrong


class Middleware:
    async def __call__(self, call, call_next):
        return await call_next()


async def generator(call, call_next):
    yield


def plain(call, call_next): ...


async def takes_one(call): ...


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (5, "a middleware must be a function that takes (call, call_next), got 5"),
        (plain, "middleware plain is not async: define it with async def"),
        (Middleware, "middleware Middleware is not async: create an instance of it"),
        (generator, "middleware generator yields, and would never run"),
        (
            takes_one,
            (
                "middleware takes_one cannot be called with (call, call_next): "
                "too many positional arguments"
            ),
        ),
    ],
    ids=["no function", "plain", "a class", "a generator", "one argument"],
)
def test_a_wrong_middleware_is_one_clear_line_where_it_is_declared(app, wrong, reason):
    for declare in (
        app.middleware,
        lambda one: app.route(["orders"], type=RouteTypes.KAFKA, middlewares=[one]),
        lambda one: app.run_every(5, middlewares=[one]),
        lambda one: app.run_at("* * * * *", middlewares=[one]),
    ):
        with pytest.raises(ConfigurationError) as caught:
            declare(wrong)
        assert str(caught.value) == reason
    assert app.middlewares == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (takes_one, "middlewares must be a list: write [takes_one], not takes_one"),
        (5, "middlewares must be a list of functions, got 5"),
    ],
)
def test_middlewares_that_are_no_list_are_one_clear_line(app, wrong, reason):
    with pytest.raises(ConfigurationError) as caught:
        app.route(["orders"], type=RouteTypes.KAFKA, middlewares=wrong)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    "good",
    [Middleware(), functools.partial(Middleware.__call__, Middleware())],
    ids=["object", "partial"],
)
async def test_whatever_is_async_and_takes_both_is_a_middleware(app, good, connection):
    assert app.middleware(good) is good
    app.route(["orders"], type=RouteTypes.KAFKA)(nothing)
    await handled(app)
    assert connection.outcomes == [([1], None)]


async def test_none_can_be_declared_while_the_app_runs(app):
    async with app.started():
        with pytest.raises(ConfigurationError, match=r"declare middlewares before app\.run"):
            app.middleware(Middleware())


async def test_a_traceback_begins_in_the_users_code(app, caplog):
    """What a middleware adds to it is its own line, and those of asyncworker between."""
    caplog.set_level(logging.ERROR)
    clockless = App()
    ran = asyncio.Event()

    @clockless.middleware
    async def outer(call, call_next):
        await call_next()

    @clockless.run_every(100)
    async def job():
        ran.set()
        raise ValueError("no")

    await handled(clockless)
    [record] = caplog.records
    assert record.exc_info[2].tb_frame.f_code is outer.__code__
    assert record.getMessage().endswith("job, every 100 s: raised ValueError('no')")
