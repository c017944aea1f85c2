"""Plain functions as handlers, schedules and hooks."""

import asyncio
import contextvars
import functools
import inspect
import signal
import threading

import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.errors import ConfigurationError, HandlerTimeout, HookFailed
from asyncworker.routes import name_of
from asyncworker.threads.pool import GRACE
from packages.core.tests.threads.gate import Gate
from packages.core.tests.waiting import LIMIT, turns

variable = contextvars.ContextVar("variable", default="none")


@pytest.fixture
def connection(kafka):
    return kafka.KafkaConnection([1, 2, 3])


@pytest.fixture
def app(connection):
    return App(connections=[connection])


@pytest.fixture
def calls():
    return []


@pytest.fixture
async def clock(still_clock):
    return still_clock


async def handled(app):
    async with asyncio.timeout(LIMIT), app.started():
        await turns()


def in_main():
    return threading.current_thread() is threading.main_thread()


class Keeper:
    def __init__(self):
        self.items = []

    def __call__(self, items):
        assert not in_main()
        self.items.append(items)

    def method(self, items):
        self(items)

    def with_prefix(self, prefix, items):
        self(items)


@pytest.mark.parametrize(
    "made",
    [
        lambda one: lambda items: one(items),
        lambda one: one,
        lambda one: one.method,
        lambda one: functools.partial(one.with_prefix, "prefix"),
    ],
    ids=["function", "object", "bound method", "partial"],
)
async def test_a_plain_function_handles_in_a_thread(app, connection, made):
    one = Keeper()
    handler = made(one)
    assert app.route(["orders"], type=RouteTypes.KAFKA)(handler) is handler
    await handled(app)
    assert sorted(one.items) == [[1], [2], [3]]
    assert sorted(connection.outcomes) == [([1], None), ([2], None), ([3], None)]


async def test_its_name_module_and_signature_stay(app):
    def store(items, *, limit=5): ...

    app.route(["orders"], type=RouteTypes.KAFKA)(store)
    app.run_every(5)(functools.partial(store, [1]))
    [route], [schedule] = app.routes, app.schedules
    assert route.handler_name == schedule.handler_name == name_of(store)
    assert route.handler.__module__ == __name__
    assert inspect.signature(route.handler) == inspect.signature(store)


async def test_an_async_handler_is_passed_on_as_it_is(app):
    async def store(items): ...

    app.route(["orders"], type=RouteTypes.KAFKA)(store)
    app.run_every(5)(store)
    app.run_on_startup(store)
    assert app.routes[0].handler is app.schedules[0].handler is app.startup_hooks[0] is store


async def test_what_it_raises_is_its_outcome(app, connection, caplog):
    error = ValueError("no")

    def fail(items):
        raise error

    app.route(["orders"], type=RouteTypes.KAFKA, options={Options.BULK_SIZE: 3})(fail)
    await handled(app)
    assert connection.outcomes == [([1, 2, 3], error)]


async def test_as_many_run_side_by_side_as_the_route_lets(app, connection):
    gate = Gate()
    app.route(["orders"], type=RouteTypes.KAFKA, options={Options.MAX_CONCURRENCY: 2})(gate)
    async with asyncio.timeout(LIMIT), app.started():
        await turns()
        await asyncio.to_thread(gate.wait_for, 2)
        assert gate.inside == 2
        gate.release.set()
        await asyncio.to_thread(gate.wait_for, 3)
    assert gate.most == 2
    assert len(connection.outcomes) == 3


async def test_what_it_returns_that_is_to_be_awaited_is_awaited_on_the_loop(app, connection):
    """As with a decorator that is not async, around a handler that is."""
    seen = []

    async def handler(items):
        await asyncio.sleep(0)
        seen.append((items, in_main()))

    def logged(function):
        @functools.wraps(function)
        def call(items):
            seen.append(in_main())
            return function(items)

        return call

    options = {Options.BULK_SIZE: 3}
    # `wraps` copies no flag that says `async`.
    app.route(["orders"], type=RouteTypes.KAFKA, options=options)(logged(handler))
    await handled(app)
    assert seen == [False, ([1, 2, 3], True)]
    assert connection.outcomes == [([1, 2, 3], None)]


async def test_what_it_returns_in_vain_is_told(app, caplog):
    def store(items):
        return (item for item in items)

    app.route(["orders"], type=RouteTypes.KAFKA)(store)
    await handled(app)
    [line] = caplog.messages
    assert "store returned the generator" in line


async def test_one_that_takes_too_long_is_abandoned_and_leaves_its_place(
    app, connection, caplog, clock, kafka
):
    connection.items = ["stuck", "next"]
    gate, options = Gate(), {Options.TIMEOUT: 5, Options.MAX_CONCURRENCY: 1}

    def handler(items):
        if items == ["stuck"]:
            gate(items)

    app.route(["orders"], type=RouteTypes.KAFKA, options=options)(handler)
    async with asyncio.timeout(LIMIT), app.started():
        await turns()
        await asyncio.to_thread(gate.wait_for, 1)
        await clock.advance(5)
        await clock.advance(GRACE)
        while len(connection.outcomes) < 2:  # noqa: ASYNC110 (a thread, which tells nobody)
            await asyncio.sleep(0)
    [(first, error), second] = connection.outcomes
    assert first == ["stuck"]
    assert isinstance(error, HandlerTimeout)
    assert second == (["next"], None)
    [record] = [one for one in caplog.records if "abandoned" in one.getMessage()]
    name = name_of(handler)
    assert record.getMessage() == f"handler {name} does not return: its thread is abandoned"
    assert record.stood_at[0].endswith(" in handler")
    gate.release.set()


async def test_a_schedule_may_be_plain(clock, calls):
    app = App()

    @app.run_every(5)
    def job(app):
        calls.append((app, in_main()))

    @app.run_every(5)
    def without_app():
        calls.append(in_main())

    await handled(app)
    assert sorted(calls, key=str) == sorted([(app, False), False], key=str)


# Hooks


async def test_hooks_run_in_threads_one_after_the_other(app, calls):
    for name in ("first", "second"):

        def start(app, name=name):
            app[name] = in_main()
            calls.append(f"{name} up")

        def stop(app, name=name):
            calls.append(f"{name} down {app[name]}")

        app.run_on_startup(start)
        app.run_on_shutdown(stop)
    await handled(app)
    assert calls == ["first up", "second up", "second down False", "first down False"]


async def test_a_hook_that_needs_the_loop_is_told_how_to_have_it(app):
    @app.run_on_startup
    def connect(app):
        app["loop"] = asyncio.get_running_loop()

    with pytest.raises(
        HookFailed, match=r"connect raised RuntimeError\('no running event loop'\)"
    ) as caught:
        await handled(app)
    [note] = caught.value.__cause__.__notes__
    assert note.endswith(
        "connect runs in a thread, as it is a plain function: async def has it on the event loop"
    )


async def test_a_hook_may_return_what_is_to_be_awaited(app, calls):
    async def connect(app):
        calls.append(in_main())

    app.run_on_startup(lambda app: connect(app))
    await handled(app)
    assert calls == [True]


async def test_handlers_find_the_context_variables_that_hooks_have_set_and_no_other(app, calls):
    @app.run_on_startup
    def start(app):
        variable.set("start")

    @app.route(["orders"], type=RouteTypes.KAFKA)
    def handler(items):
        calls.append(variable.get())
        variable.set(items)

    await handled(app)
    assert calls == ["start"] * 3


# What is wrong


class Handler:
    def __call__(self, items):
        yield items


def generator(items):
    yield items


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (5, "a handler must be a function, got 5"),
        (Handler, "handler Handler is not async: create an instance of it"),
        (Handler(), "handler Handler is not async: it yields, which a handler must not"),
        (generator, "handler generator is not async: it yields, which a handler must not"),
    ],
    ids=["no function", "a class", "an object that yields", "a generator"],
)
def test_a_wrong_handler_is_one_clear_line(app, wrong, reason):
    for declare in (app.route(["orders"], type=RouteTypes.KAFKA), app.run_every(5)):
        with pytest.raises(ConfigurationError) as caught:
            declare(wrong)
        assert str(caught.value) == reason
    assert app.routes == app.schedules == []


# Whole processes

SCRIPT = """
import signal, sys, threading, time
from asyncworker import App, Options

app = App()

def stuck(*_):
    print("handling", flush=True)
    threading.Event().wait()

def reading(*_):
    print("handling", flush=True)
    print("read", sys.stdin.readline(), flush=True)

{declaration}
app.on_error(lambda error, call: print("told", type(error).__name__, flush=True))
app.run_on_shutdown(lambda app: print("shutdown hook", flush=True))
app.run()
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_a_thread_that_outlives_the_drain_is_named_and_the_process_ends(worker, loop):
    script = SCRIPT.format(declaration="app.run_every(1000)(stuck)")
    process = await worker(script, ASYNCWORKER_SHUTDOWN_TIMEOUT="0.2", ASYNCWORKER_LOOP=loop)
    await process.printed("handling")
    process.send(signal.SIGTERM)
    result = await process.end(limit=20)
    assert result.code == 1
    [line] = [one for one in result.log if "abandoned" in one["msg"]]
    assert line["msg"] == "handler stuck does not return: its thread is abandoned"
    assert line["stood_at"][0].endswith(" in stuck")
    assert result.messages[-1].startswith("the drain was cut short when 0.2 s had passed")
    assert "shutdown hook" in result.output


async def test_a_thread_that_outlives_its_time_limit_does_not_keep_the_process(worker):
    declaration = "app.run_every(1000, {Options.TIMEOUT: 0.1})(stuck)"
    process = await worker(SCRIPT.format(declaration=declaration))
    await process.printed("handling")
    await process.printed("told HandlerTimeout")
    process.send(signal.SIGTERM)
    result = await process.end(limit=20)
    assert result.code == 0
    assert "handler stuck does not return: its thread is abandoned" in result.messages


async def test_a_drain_waits_for_a_thread(worker):
    process = await worker(SCRIPT.format(declaration="app.run_every(1000)(reading)"))
    await process.printed("handling")
    process.send(signal.SIGTERM)
    process.write("go on")
    result = await process.end(limit=20)
    assert (result.code, result.log) == (0, [])
    assert [line for line in result.output if line and line[0] != "{"] == [
        "handling",
        "read go on",
        "shutdown hook",
    ]


async def test_a_second_signal_leaves_a_thread_at_once(worker):
    process = await worker(SCRIPT.format(declaration="app.run_every(1000)(stuck)"))
    await process.printed("handling")
    process.send(signal.SIGTERM)
    await process.printed("SIGTERM: stopping")
    process.send(signal.SIGTERM)
    result = await process.end(limit=20)
    assert result.code == 1
    assert "handler stuck does not return: its thread is abandoned" in result.messages


async def test_a_startup_hook_that_never_returns_is_left_behind(worker):
    process = await worker(SCRIPT.format(declaration="app.run_on_startup(stuck)"))
    await process.printed("handling")
    process.send(signal.SIGTERM)
    result = await process.end(limit=20)
    assert result.code == 0
    assert result.messages == ["hook stuck does not return: its thread is abandoned"]
