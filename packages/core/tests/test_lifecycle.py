import asyncio
import itertools
import logging
import signal
import sys
from contextlib import suppress

import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.dispatch import CANCEL_GRACE
from asyncworker.errors import AsyncWorkerError, ConfigurationError, DrainTimeout, HookFailed
from asyncworker.lifecycle import HOOK_GRACE, Lifecycle

LIMIT = 10
SHUTDOWN_TIMEOUT = 20


@pytest.fixture(autouse=True)
def harmless_signals():
    """Let a signal that comes after the end of an app not end the tests."""
    before = {
        number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def connection(kafka):
    return kafka.KafkaConnection([1])


@pytest.fixture
def pulsar(kafka):
    return kafka.PulsarConnection([1])


@pytest.fixture
def app(connection, pulsar):
    return App(connections=[connection, pulsar])


@pytest.fixture
def calls():
    return []


class Handler:
    """Run until it is let go."""

    def __init__(self):
        self.entered = asyncio.Event()
        self.release = asyncio.Event()
        self.end = None

    async def __call__(self, items):
        self.entered.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.end = "cancelled"
            raise
        self.end = "done"


@pytest.fixture
async def handler(app):
    handler = Handler()
    app.route(["orders"], type=RouteTypes.KAFKA)(handler)
    return handler


@pytest.fixture
async def start(app):
    """Serve the app in a task."""
    tasks = []

    async def start():
        tasks.append(asyncio.create_task(app.serve()))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=LIMIT)


async def turns(count=20):
    """Let everything happen that waits for nothing."""
    for _ in range(count):
        await asyncio.sleep(0)


async def ended(task):
    async with asyncio.timeout(LIMIT):
        await asyncio.wait([task])
    return task.exception() if not task.cancelled() else asyncio.CancelledError()


async def until(event):
    async with asyncio.timeout(LIMIT):
        await event.wait()


# Hooks


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


# The drain


async def test_the_drain_lets_a_running_handler_finish(app, handler, connection, start):
    task = await start()
    await until(handler.entered)
    app.shutdown()
    await turns()
    assert not task.done()
    handler.release.set()
    assert await ended(task) is None
    assert handler.end == "done"
    assert connection.outcomes == [([1], None)]


async def test_backends_drain_together(app, handler, start, kafka, pulsar):
    other = Handler()
    app.route(["events"], type=RouteTypes.PULSAR)(other)
    task = await start()
    await until(handler.entered)
    await until(other.entered)
    app.shutdown()
    await turns()
    other.release.set()
    await turns()
    assert other.end == "done"
    assert pulsar.outcomes == [([1], None)]
    assert not task.done()
    handler.release.set()
    assert await ended(task) is None


async def test_a_drain_beyond_the_deadline_cancels_the_handlers(
    app, handler, connection, start, clock, calls
):
    app.run_on_shutdown(calls.append)
    task = await start()
    await until(handler.entered)
    app.shutdown()
    await turns()
    await clock.advance(SHUTDOWN_TIMEOUT - 1)
    assert handler.end is None
    await clock.advance(2)
    error = await ended(task)
    assert isinstance(error, DrainTimeout)
    assert "20 s" in str(error)
    assert "ASYNCWORKER_SHUTDOWN_TIMEOUT" in str(error)
    assert handler.end == "cancelled"
    assert isinstance(connection.outcomes[0][1], asyncio.CancelledError)
    assert calls == [app]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_idle_app_ends_cleanly_without_any_time_for_the_drain(
    connection, serve, monkeypatch
):
    monkeypatch.setenv("ASYNCWORKER_SHUTDOWN_TIMEOUT", "0")
    app = App(connections=[connection])
    app.route(["orders"], type=RouteTypes.KAFKA, options={Options.BULK_SIZE: 2})(Handler())
    app.run_on_startup(lambda app: asyncio.get_running_loop().call_later(0.01, app.shutdown))
    await serve(app)


async def test_cancelling_serve_drains_too(app, handler, connection, start):
    task = await start()
    await until(handler.entered)
    task.cancel()
    await turns()
    assert not task.done()
    handler.release.set()
    assert isinstance(await ended(task), asyncio.CancelledError)
    assert connection.outcomes == [([1], None)]


async def test_a_second_cancellation_of_serve_cancels_the_handlers(app, handler, start):
    task = await start()
    await until(handler.entered)
    task.cancel()
    await turns()
    task.cancel()
    assert isinstance(await ended(task), asyncio.CancelledError)
    assert handler.end == "cancelled"


async def test_a_second_signal_cancels_the_handlers(app, handler, start, calls):
    app.run_on_shutdown(calls.append)
    task = await start()
    await until(handler.entered)
    signal.raise_signal(signal.SIGTERM)
    await turns()
    assert not task.done()
    signal.raise_signal(signal.SIGINT)
    assert isinstance(await ended(task), DrainTimeout | asyncio.CancelledError)
    assert handler.end == "cancelled"
    assert calls == [app]


async def test_two_signals_in_one_moment_cancel_the_handlers_at_once(app, handler, start):
    task = await start()
    await until(handler.entered)
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    await turns()
    assert handler.end == "cancelled"
    assert task.done()


async def test_what_a_signal_does_is_logged(app, handler, start, caplog):
    caplog.set_level(logging.INFO)
    task = await start()
    await until(handler.entered)
    signal.raise_signal(signal.SIGTERM)
    await turns()
    assert "SIGTERM: stopping" in caplog.messages
    signal.raise_signal(signal.SIGINT)
    await ended(task)
    assert "SIGINT again: cancelling what still runs" in caplog.messages


class SignalAtLine:
    """Raise SIGTERM when the given number of lines of a run, and of what it waits on, has run."""

    def __init__(self, number):
        self._left = number
        self._nobody = signal.getsignal(signal.SIGTERM)
        self.line = None

    def __enter__(self):
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_):
        sys.settrace(self._before)

    def _trace(self, frame, event, _):
        if not frame.f_code.co_filename.endswith(("asyncworker/lifecycle.py", "asyncio/locks.py")):
            return None
        if event == "line" and signal.getsignal(signal.SIGTERM) is not self._nobody:
            self._left -= 1
            if self._left == 0:
                self.line = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                signal.raise_signal(signal.SIGTERM)
        return self._trace


async def test_a_signal_at_any_line_ends_the_run(app, handler):
    """A signal that is lost keeps the worker for ever."""
    handler.release.set()
    lost = []
    for number in itertools.count(1):
        with SignalAtLine(number) as at_line:
            task = asyncio.create_task(app.serve())
            await turns(40)
        if at_line.line is None:
            task.cancel()
            await asyncio.wait([task])
            break
        await asyncio.wait([task], timeout=10)
        if not task.done():
            lost.append(at_line.line)
            task.cancel()
            await asyncio.wait([task])
    assert number > 50
    assert lost == []


# A stop before the start is complete


async def hang():
    await asyncio.Event().wait()


async def hanging_hook(app):
    await hang()


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


async def test_a_stop_ends_a_backend_that_hangs_while_it_starts(app, handler, start, calls, kafka):
    hanging = asyncio.Event()

    async def entering():
        hanging.set()
        await hang()

    kafka.kafka.entering = entering
    app.run_on_shutdown(calls.append)
    task = await start()
    await until(hanging)
    app.shutdown()
    assert await ended(task) is None
    assert calls == [app]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_stop_while_one_backend_starts_drains_the_others_within_the_deadline(
    app, handler, start, kafka, clock
):
    hanging = asyncio.Event()

    async def entering():
        hanging.set()
        await hang()

    kafka.pulsar.entering = entering
    app.route(["events"], type=RouteTypes.PULSAR)(Handler())
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
    app, handler, start, kafka
):
    hanging = asyncio.Event()

    async def entering():
        hanging.set()
        await hang()

    kafka.pulsar.entering = entering
    app.route(["events"], type=RouteTypes.PULSAR)(Handler())
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


# Backends that fail


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
    app, handler, start, kafka, connection
):
    """Cancelling would have their messages handled twice."""
    kafka.pulsar.leaving = fail
    other = Handler()
    other.release.set()
    app.route(["events"], type=RouteTypes.PULSAR)(other)
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
    app, handler, start, kafka, connection
):
    kafka.pulsar.serving = fail
    app.route(["events"], type=RouteTypes.PULSAR)(Handler())
    task = await start()
    await until(handler.entered)
    await turns()
    handler.release.set()
    assert isinstance(await ended(task), BackendFailed)
    assert handler.end == "done"
    assert connection.outcomes == [([1], None)]


async def test_a_backend_that_cannot_start_lets_the_others_drain_within_the_deadline(
    app, handler, start, kafka, clock
):
    async def entering():
        await handler.entered.wait()
        await fail()

    kafka.pulsar.entering = entering
    app.route(["events"], type=RouteTypes.PULSAR)(Handler())
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

    async def leaving():
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    kafka.kafka.leaving = leaving
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
