import asyncio
import gc
import logging
import signal
import sys
import threading
import time

import pytest
import uvloop

from asyncworker import App
from asyncworker.errors import ConfigurationError, HookFailed
from asyncworker.handling.uncancellable import abandon_unresponsive
from asyncworker.running.runner import LEFTOVER_GRACE, event_loop, exit_code
from asyncworker.running.signals import stop_signals

STOP = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)


# Signals of this process


@STOP
def test_signals_are_given_to_the_handler_for_a_while(number):
    seen = []
    before = signal.getsignal(number)
    with stop_signals(lambda *arguments: seen.append(arguments[0])):
        signal.raise_signal(number)
    assert seen == [number]
    assert signal.getsignal(number) is before


@STOP
def test_handlers_that_were_there_before_are_there_after_a_run(number):
    def mine(*_):
        """Belong to the user."""

    before = signal.signal(number, mine)
    try:
        app = App()
        app.run_on_startup(App.shutdown)
        app.run()
        assert signal.getsignal(number) is mine
    finally:
        signal.signal(number, before)


def test_the_collector_passes_over_what_was_there_before_the_run_and_only_that_long():
    frozen = []
    app = App()
    app.run_on_startup(lambda app: frozen.append(gc.get_freeze_count()))
    app.run_on_startup(App.shutdown)
    app.run()
    assert frozen[0] > 1000
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize(("own", "in_run"), [(700, 10_000), (2000, 10_000), (0, 0), (3000, 3000)])
def test_the_collector_looks_at_more_at_a_time_unless_the_program_says_at_how_much(own, in_run):
    found = []
    before = gc.get_threshold()
    gc.set_threshold(own, *before[1:])
    try:
        app = App()
        app.run_on_startup(lambda app: found.append(gc.get_threshold()[0]))
        app.run_on_startup(App.shutdown)
        app.run()
        assert found == [in_run]
        assert gc.get_threshold()[0] == own
    finally:
        gc.set_threshold(*before)


async def test_a_run_within_a_program_leaves_the_collector_alone():
    frozen = []
    before = gc.get_threshold()
    app = App()
    app.run_on_startup(lambda app: frozen.append(gc.get_freeze_count()))
    async with app.started():
        assert frozen == [0]
        assert gc.get_threshold() == before


def test_handlers_are_restored_after_a_run_that_fails():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    app = App()

    @app.run_on_startup
    def broken(app):
        raise ValueError

    with pytest.raises(SystemExit):
        app.run()
    assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_a_handler_that_python_did_not_set_becomes_the_default(monkeypatch):
    monkeypatch.setattr("asyncworker.running.signals.STOP_SIGNALS", (signal.SIGUSR1,))
    before = signal.getsignal(signal.SIGUSR1)
    real = signal.signal

    def from_outside(number, handler):
        real(number, handler)

    try:
        with monkeypatch.context() as patched:
            patched.setattr(signal, "signal", from_outside)
            with stop_signals(lambda *_: None):
                assert callable(signal.getsignal(signal.SIGUSR1))
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_an_app_runs_outside_the_main_thread_without_touching_signals():
    app, handlers, before = App(), [], signal.getsignal(signal.SIGTERM)

    @app.run_on_startup
    def stop(app):
        handlers.append(signal.getsignal(signal.SIGTERM))
        app.shutdown()

    thread = threading.Thread(target=app.run)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert handlers == [before]


# The event loop


def test_the_loop_is_closed_at_the_end():
    with event_loop("asyncio") as loop:
        assert loop.run_until_complete(asyncio.sleep(0, "done")) == "done"
    assert loop.is_closed()


def test_tasks_that_were_left_running_are_cancelled():
    async def leave():
        task = asyncio.create_task(asyncio.sleep(1000))
        await asyncio.sleep(0)
        return task

    with event_loop("asyncio") as loop:
        task = loop.run_until_complete(leave())
    assert task.cancelled()


class Deaf:
    """A task that ignores its cancellations, and counts them."""

    def __init__(self):
        self.release = threading.Event()
        self.cancellations = 0

    async def start(self):
        task = asyncio.create_task(self())
        await asyncio.sleep(0)
        return task

    async def __call__(self):
        while not self.release.is_set():
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                self.cancellations += 1


@pytest.fixture
def deaf():
    deaf = Deaf()
    yield deaf
    deaf.release.set()


def test_a_task_that_ignores_its_cancellation_does_not_keep_the_loop_open(deaf):
    before = time.monotonic()
    with event_loop("asyncio") as loop:
        task = loop.run_until_complete(deaf.start())
        loop.set_exception_handler(lambda *_: None)
    assert time.monotonic() - before < LEFTOVER_GRACE + 2
    assert not task.done()


@pytest.mark.parametrize("depth", [0, 1])
def test_a_task_that_was_abandoned_before_gets_no_more_time(deaf, depth):
    async def wait_for(task):
        await task

    async def abandon():
        task = await deaf.start()
        for _ in range(depth):
            task = asyncio.create_task(wait_for(task))
            await asyncio.sleep(0)
        task.cancel()
        assert await abandon_unresponsive([task], 0.1) == {task}

    with event_loop("asyncio") as loop:
        loop.run_until_complete(abandon())
        loop.set_exception_handler(lambda *_: None)
    assert deaf.cancellations == 1


def test_async_generators_that_were_left_open_are_closed():
    closed = []

    async def numbers():
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    generator = numbers()

    async def leave():
        return await anext(generator)

    with event_loop("asyncio") as loop:
        assert loop.run_until_complete(leave()) == 1
    assert closed == [True]


def test_uvloop_is_used_when_asked_for():
    with event_loop("uvloop") as loop:
        assert isinstance(loop, uvloop.Loop)


def test_uvloop_that_is_missing_is_one_line_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    monkeypatch.setenv("ASYNCWORKER_LOOP", "uvloop")
    with pytest.raises(ConfigurationError) as caught:
        App().run()
    assert str(caught.value) == (
        "ASYNCWORKER_LOOP=uvloop needs uvloop: pip install asyncworker-core[uvloop]"
    )


# The exit code


@pytest.fixture
def code():
    def code(main):
        with event_loop("asyncio") as loop:
            return exit_code(loop, main)

    return code


async def raising(error):
    raise error


def test_a_clean_end_is_0(code):
    assert code(asyncio.sleep(0)) == 0


def test_a_known_failure_is_1_and_one_line_with_the_traceback_of_its_cause(code, caplog):
    error, cause = HookFailed("startup hook connect raised"), OSError("refused")
    error.__cause__ = cause
    assert code(raising(error)) == 1
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "startup hook connect raised")
    assert record.exc_info[1] is cause


def test_a_known_failure_without_a_cause_has_no_traceback(code, caplog):
    assert code(raising(HookFailed("it failed"))) == 1
    (record,) = caplog.records
    assert not record.exc_info


def test_an_unknown_failure_is_1_and_logged_with_its_traceback(code, caplog):
    error = RuntimeError("what?")
    assert code(raising(error)) == 1
    (record,) = caplog.records
    assert record.exc_info[1] is error


def test_a_cancelled_run_is_1(code, caplog):
    assert code(raising(asyncio.CancelledError())) == 1
    assert caplog.messages == ["stopped without a complete drain"]


def test_an_exit_that_a_hook_asked_for_keeps_its_code():
    app, after = App(), []

    @app.run_on_startup
    def leave(app):
        raise SystemExit(3)

    app.run_on_shutdown(after.append)
    with pytest.raises(SystemExit) as caught:
        app.run()
    assert caught.value.code == 3
    assert after == [app]


def test_run_returns_nothing_after_a_clean_end():
    app = App()
    app.run_on_startup(App.shutdown)
    assert app.run() is None


# Whole processes

SCRIPT = """
import asyncio, sys, threading
from asyncworker import App, RouteTypes
from asyncworker.connections import KafkaConnection

app = App(connections=[KafkaConnection([1])])

@app.run_on_shutdown
async def end(app):
    print("shutdown hook", flush=True)

@app.route(["orders"], type=RouteTypes.KAFKA)
async def handler(items):
    print("handling", flush=True)
    {body}

app.run()
"""
UNTIL_LINE = "await asyncio.to_thread(sys.stdin.readline); print('handled', flush=True)"


@STOP
async def test_the_first_signal_lets_the_running_handler_finish_and_exits_with_0(worker, number):
    process = await worker(SCRIPT.format(body=UNTIL_LINE))
    await process.printed("handling")
    process.send(number)
    await process.printed(f"{number.name}: stopping")
    process.write("go on")
    result = await process.end()
    assert (result.code, result.log) == (0, [])
    assert [line for line in result.output if line[0] != "{"] == [
        "handling",
        "handled",
        "shutdown hook",
    ]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_a_signal_ends_a_worker_that_does_nothing(worker, loop):
    """No step of Python is taken meanwhile, at which a signal could be seen."""
    process = await worker(
        SCRIPT.format(body="await asyncio.Event().wait()"),
        ASYNCWORKER_LOOP=loop,
        ASYNCWORKER_SHUTDOWN_TIMEOUT="0.1",
    )
    await process.printed("handling")
    process.send(signal.SIGTERM)
    await process.printed("SIGTERM: stopping")
    result = await process.end(limit=10)
    assert result.messages[-1].startswith("the drain was cut short when 0.1 s had passed")


async def test_a_handler_that_blocks_a_thread_does_not_keep_the_process_after_a_second_signal(
    worker,
):
    body = "await asyncio.to_thread(threading.Event().wait)"
    process = await worker(SCRIPT.format(body=body))
    await process.printed("handling")
    process.send(signal.SIGTERM)
    await process.printed("stopping")
    process.send(signal.SIGTERM)
    result = await process.end(limit=5)
    assert result.code == 1


async def test_a_thread_that_nobody_waits_for_has_as_long_as_the_drain(worker):
    body = """
    def work():
        sys.stdin.readline()
        print("worked", flush=True)
    app["work"] = asyncio.create_task(asyncio.to_thread(work))
    await asyncio.sleep(0)
    app.shutdown()
    """
    process = await worker(SCRIPT.format(body=body))
    await process.printed("shutdown hook")
    process.write("go on")
    await process.printed("worked")
    result = await process.end()
    assert (result.code, result.log) == (0, [])


@pytest.mark.parametrize("is_hurried", [False, True])
async def test_a_thread_that_never_returns_is_left_and_named(worker, is_hurried):
    body = """
    def work():
        threading.Event().wait()
    app["work"] = asyncio.create_task(asyncio.to_thread(work))
    await asyncio.sleep(0)
    """
    limit = {} if is_hurried else {"ASYNCWORKER_SHUTDOWN_TIMEOUT": "0.1"}
    process = await worker(SCRIPT.format(body=body), **limit)
    await process.printed("handling")
    process.send(signal.SIGTERM)
    await process.printed("shutdown hook")
    if is_hurried:
        process.send(signal.SIGTERM)
    result = await process.end(limit=10)
    (line,) = [one for one in result.log if one["level"] == "ERROR"]
    assert line["msg"] == "abandoned 1 thread that does not return"
    (place,) = line["stood_at"]
    assert place.endswith("in work")
    assert result.code == 1


async def test_an_async_generator_that_never_closes_does_not_keep_the_process(worker):
    body = """
    async def numbers():
        try:
            yield 1
        finally:
            await asyncio.Event().wait()
    app["numbers"] = numbers()
    await anext(app["numbers"])
    app.shutdown()
    """
    process = await worker(SCRIPT.format(body=body))
    await process.printed("shutdown hook")
    await process.end(limit=5)


async def test_a_signal_during_a_startup_hook_that_hangs_runs_the_shutdown_hooks(worker):
    process = await worker("""
        import asyncio
        from asyncworker import App
        app = App()

        @app.run_on_startup
        async def hangs(app):
            print("starting", flush=True)
            await asyncio.Event().wait()

        @app.run_on_shutdown
        async def end(app):
            print("shutdown hook", flush=True)

        app.run()
    """)
    await process.printed("starting")
    process.send(signal.SIGTERM)
    result = await process.end()
    assert (result.code, result.log) == (0, [])
    assert "shutdown hook" in result.output


async def test_handlers_that_exit_do_not_end_the_worker(worker):
    body = "sys.exit(3)"
    process = await worker(SCRIPT.format(body=body))
    await process.printed("handling")
    process.send(signal.SIGTERM)
    result = await process.end()
    assert (result.code, result.log) == (0, [])
    assert "shutdown hook" in result.output


async def test_a_wrong_setting_ends_the_process_with_a_line_that_names_the_variable(worker):
    process = await worker(
        "from asyncworker import App; App().run()", ASYNCWORKER_FLUSH_TIMEOUT="soon"
    )
    result = await process.end()
    assert result.code == 1
    assert result.errors.splitlines()[-1] == (
        "asyncworker.errors.ConfigurationError: ASYNCWORKER_FLUSH_TIMEOUT: "
        "input should be a valid number, unable to parse string as a number, got 'soon'"
    )
