"""What does not block the event loop, whatever else stands still, is not told."""

import asyncio
import os
import signal
import threading

from asyncworker.running.pulse import LONGEST
from packages.core.tests.running.pulse.blocking import LIMIT

PAUSED = """
import os
import signal
import time

from asyncworker import App

app = App()


@app.run_every(1000)
async def pause():
    # Longer than from one look to the next, and shorter than the limit.
    time.sleep({longest} + 0.1)
    print("blocks", os.getpid(), flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep({longest} + 0.1)
    app.shutdown()


app.run()
"""
DEBUGGED = """
import pdb

from asyncworker import App

app = App()


@app.run_every(1000)
async def inspect():
    print("inspecting", flush=True)
    pdb.set_trace()
    app.shutdown()


app.run()
"""


def thread_is_there():
    """Be called in a thread, which is there for the next call: to start one may take a while."""


async def test_a_plain_function_blocks_nothing(app, pulse_lines, others_blocked, limit):
    over = threading.Event()

    @app.run_every(1000)
    def store():
        others_blocked(5 * LIMIT)
        over.set()

    async with app.started():
        assert await asyncio.to_thread(over.wait, limit)
    assert pulse_lines.empty()


async def test_a_loop_that_has_nothing_to_do_is_not_blocked(app, pulse_lines, others_blocked):
    await asyncio.to_thread(thread_is_there)
    async with app.started():
        await asyncio.to_thread(others_blocked, 5 * LIMIT)
        assert app.feed.loop_lag < LIMIT
    assert pulse_lines.empty()


async def test_a_loop_that_is_not_let_run_is_not_blocked(
    app, pulse_lines, others_blocked, monkeypatch, limit
):
    loop = asyncio.get_running_loop()
    call = loop.call_soon_threadsafe
    late = []
    waits = threading.Lock()
    waits.acquire()

    def starve(callback, *arguments, **options):
        """Have the loop do all but answer, as when the machine has no time for it."""
        if callback.__qualname__ == "Pulse._answer":
            return late.append(callback)
        return call(callback, *arguments, **options)

    def starved():
        """Let no answer come for a while in which the loop waits for this thread."""
        # From here on it does: what it called to start this thread has returned.
        call(waits.release)
        assert waits.acquire(timeout=limit)
        with monkeypatch.context() as patch:
            patch.setattr(loop, "call_soon_threadsafe", starve)
            others_blocked(5 * LIMIT)
        [answer] = late
        call(answer)

    await asyncio.to_thread(thread_is_there)
    async with app.started():
        await asyncio.to_thread(starved)
        assert [thread.name for thread in threading.enumerate()].count("asyncworker-pulse") == 1
    assert pulse_lines.empty()


async def test_a_loop_that_is_kept_from_waking_is_not_blocked(
    app, pulse_lines, others_blocked, monkeypatch
):
    loop = asyncio.get_running_loop()

    class Starved:
        """What a loop reads once a thread has woken it, as if the machine had no time for that."""

        def recv(self, count):
            monkeypatch.undo()
            others_blocked(5 * LIMIT)
            return b"x"

    await asyncio.to_thread(thread_is_there)
    async with app.started():
        monkeypatch.setattr(loop, "_ssock", Starved())
        await asyncio.to_thread(thread_is_there)
    assert pulse_lines.empty()


def test_a_loop_that_does_not_run_is_not_blocked(app, pulse_lines, others_blocked):
    with asyncio.Runner() as runner:
        run = app.started()
        runner.run(run.__aenter__())
        others_blocked(5 * LIMIT)
        runner.run(run.__aexit__(None, None, None))
    assert app.feed.loop_lag < LIMIT
    assert pulse_lines.empty()


async def test_a_process_that_was_stopped_was_not_blocked(worker, others_blocked):
    seconds = 6 * LONGEST
    script = PAUSED.replace("{longest}", str(LONGEST))
    process = await worker(script, ASYNCWORKER_BLOCKED_AFTER=str(seconds))
    pid = int((await process.printed("blocks")).split()[1])
    await asyncio.to_thread(os.waitid, os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
    await asyncio.to_thread(others_blocked, seconds)
    process.send(signal.SIGCONT)
    result = await process.end()
    assert (result.code, result.log) == (0, [])


async def test_a_debugger_blocks_nothing(worker, others_blocked):
    seconds = 2 * LONGEST
    process = await worker(DEBUGGED, ASYNCWORKER_BLOCKED_AFTER=str(seconds))
    await process.printed("inspecting")
    await process.printed("inspect()")
    await asyncio.to_thread(others_blocked, 2 * seconds)
    process.write("continue")
    result = await process.end()
    assert (result.code, result.log) == (0, [])
