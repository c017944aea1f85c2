"""The drain: what runs is let finish until the deadline, or until one is told again."""

import asyncio
import itertools
import logging
import signal
import sys

from asyncworker import App, Options, RouteTypes
from asyncworker.errors import DrainTimeout
from packages.core.tests.running.lifecycle.handler import SHUTDOWN_TIMEOUT, Handler
from packages.core.tests.waiting import ended, turns, until


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


async def test_backends_drain_together(app, handler, other, start, pulsar):
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

    @app.run_on_startup
    async def stop_soon(app):
        asyncio.get_running_loop().call_later(0.01, app.shutdown)

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
        if not frame.f_code.co_filename.endswith(
            ("asyncworker/running/lifecycle.py", "asyncio/locks.py")
        ):
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
