"""Threads of plain functions: what comes of a call, how many there are, and how they end."""

import asyncio
import contextvars
import gc
import threading
import traceback
import weakref
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asyncworker.threads import pool as pools
from asyncworker.threads.pool import Pool
from packages.core.tests.threads.gate import Gate
from packages.core.tests.waiting import LIMIT, ended, turns

variable = contextvars.ContextVar("variable", default="none")


def plain_threads():
    return [one for one in threading.enumerate() if one.name.startswith("asyncworker-plain")]


async def begun(pool, gate, count=1):
    """Start calls, and return their tasks when all are in the function."""
    before = len(gate.calls)
    tasks = [asyncio.create_task(pool.call(gate, number)) for number in range(count)]
    await turns(2)
    await asyncio.to_thread(gate.wait_for, before + count)
    return tasks


async def test_it_returns_what_the_function_returns(pool):
    def add(*args, **kwargs):
        return args, kwargs, threading.current_thread()

    args, kwargs, thread = await pool.call(add, 1, two=2)
    assert (args, kwargs) == ((1,), {"two": 2})
    assert thread is not threading.main_thread()
    assert thread.daemon
    assert "handler store" in thread.name


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        asyncio.CancelledError("its own"),
    ],
    ids=repr,
)
async def test_it_raises_what_the_function_raises(pool, error):
    def fail():
        raise error

    with pytest.raises(type(error)) as caught:
        await pool.call(fail)
    assert caught.value is error
    assert asyncio.current_task().cancelling() == 0
    frames = traceback.extract_tb(error.__traceback__)
    assert [one.name for one in frames if one.filename == __file__][-1] == "fail"
    # The thread goes on.
    assert await pool.call(lambda: "next") == "next"


async def test_a_stop_iteration_is_what_it_is_in_a_coroutine(pool):
    def fail():
        raise StopIteration("over")

    with pytest.raises(RuntimeError, match="coroutine raised StopIteration") as caught:
        await pool.call(fail)
    assert isinstance(caught.value.__cause__, StopIteration)


@pytest.mark.parametrize("fails", [False, True])
async def test_context_variables_go_there_and_come_back(pool, fails):
    seen = []

    def look():
        seen.append(variable.get())
        variable.set(f"{seen[-1]} +")
        if fails:
            raise ValueError

    variable.set("the caller's")
    for _ in range(2):
        with suppress(ValueError):
            await pool.call(look)
    assert seen == ["the caller's", "the caller's +"]
    assert variable.get() == "the caller's + +"


async def test_one_call_after_the_other_takes_the_same_thread(pool):
    idents = {await pool.call(threading.get_ident) for _ in range(50)}
    assert len(idents) == 1


async def test_calls_run_side_by_side_up_to_the_limit_and_others_wait(gate):
    pool = Pool("handler store", 3)
    tasks = [asyncio.create_task(pool.call(gate, number)) for number in range(10)]
    await turns()
    await asyncio.to_thread(gate.wait_for, 3)
    assert len(gate.calls) == 3
    gate.release.set()
    async with asyncio.timeout(LIMIT):
        assert await asyncio.gather(*tasks) == [(number,) for number in range(10)]
    assert gate.most == 3
    assert len(gate.threads) <= 3
    pool.end()


async def test_a_cancelled_call_that_waits_is_withdrawn_without_a_word(gate, caplog):
    pool = Pool("handler store", 1)
    [first] = await begun(pool, gate)
    second = asyncio.create_task(pool.call(gate, "second"))
    await turns()
    second.cancel()
    assert isinstance(await ended(second), asyncio.CancelledError)
    gate.release.set()
    await first
    assert await pool.call(gate, "third") == ("third",)
    assert gate.calls == [(0,), ("third",)]
    assert caplog.messages == []
    pool.end()


async def test_a_cancelled_call_that_runs_is_abandoned_and_said_where_it_stands(pool, gate, caplog):
    [task] = await begun(pool, gate)
    task.cancel()
    assert isinstance(await ended(task), asyncio.CancelledError)
    [record] = caplog.records
    assert record.getMessage() == "handler store does not return: its thread is abandoned"
    [place] = record.stood_at
    assert "gate.py" in place
    assert place.endswith(" in __call__")


async def test_a_cancelled_call_that_returns_at_once_is_not_abandoned(pool, gate, caplog):
    [task] = await begun(pool, gate)
    task.cancel()
    gate.release.set()
    assert isinstance(await ended(task), asyncio.CancelledError)
    assert caplog.messages == []


async def test_who_cancels_twice_does_not_wait(pool, gate, caplog, still_clock):
    [task] = await begun(pool, gate)
    task.cancel()
    await turns()
    assert not task.done()
    task.cancel()
    assert isinstance(await ended(task), asyncio.CancelledError)
    assert caplog.messages == ["handler store does not return: its thread is abandoned"]


async def test_an_abandoned_call_leaves_its_place_to_one_that_waits(gate):
    pool = Pool("handler store", 1)
    [first] = await begun(pool, gate)
    second = asyncio.create_task(pool.call(gate, "second"))
    await turns()
    first.cancel()
    await asyncio.to_thread(gate.wait_for, 2)
    gate.release.set()
    async with asyncio.timeout(LIMIT):
        assert await second == ("second",)
    pool.end()


async def test_too_many_abandoned_threads_have_calls_wait_until_one_returns(
    gate, monkeypatch, caplog
):
    monkeypatch.setattr(pools, "MOST_ABANDONED", 3)
    pool = Pool("handler store", 1)
    for _ in range(3):
        [task] = await begun(pool, gate)
        task.cancel()
        await ended(task)
    waiting = asyncio.create_task(pool.call(lambda: "at last"))
    await turns()
    assert caplog.messages[-1] == "handler store: too many threads are abandoned, its calls wait"
    assert not waiting.done()
    gate.release.set()
    async with asyncio.timeout(LIMIT):
        assert await waiting == "at last"
    pool.end()


async def test_the_end_ends_threads_that_have_nothing_to_do(gate):
    before = set(plain_threads())
    pool = Pool("handler store")
    tasks = await begun(pool, gate, 5)
    gate.release.set()
    await asyncio.gather(*tasks)
    pool.end()
    assert set(plain_threads()) <= before
    # And another run may come.
    assert await pool.call(lambda: 1) == 1
    pool.end()
    assert set(plain_threads()) <= before


async def test_an_abandoned_thread_ends_when_it_returns(gate):
    pool = Pool("handler store")
    [task] = await begun(pool, gate)
    task.cancel()
    await ended(task)
    [thread] = [one for one in plain_threads() if one.ident in gate.threads]
    pool.end()
    assert thread.is_alive()
    gate.release.set()
    await asyncio.to_thread(thread.join, LIMIT)
    assert not thread.is_alive()


async def test_a_thread_that_is_idle_for_long_ends(monkeypatch):
    monkeypatch.setattr(pools, "IDLE", 0.01)
    pool = Pool("handler store")
    thread = await pool.call(threading.current_thread)
    await asyncio.to_thread(thread.join, LIMIT)
    assert not thread.is_alive()
    assert await pool.call(lambda: 1) == 1
    pool.end()


async def test_what_a_call_was_given_is_not_kept(pool):
    class Batch:
        """Hold much."""

    batch = Batch()
    known = weakref.ref(batch)
    await pool.call(lambda _: None, batch)
    del batch
    async with asyncio.timeout(LIMIT):
        while known() is not None:
            gc.collect()
            await asyncio.sleep(0)


async def test_no_thread_to_be_had_is_what_the_call_raises(pool, monkeypatch):
    def start(self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            await pool.call(lambda: None)
    assert await pool.call(lambda: 1) == 1


def test_a_call_that_outlives_its_loop_ends_without_a_word(gate, capsys):
    pool = Pool("handler store")

    async def leave():
        [task] = await begun(pool, gate)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(leave())
    threads = [one for one in plain_threads() if one.ident in gate.threads]
    pool.end()
    gate.release.set()
    for thread in threads:
        thread.join(LIMIT)
    assert capsys.readouterr() == ("", "")


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 4),
    st.lists(st.sampled_from(["call", "cancel first", "cancel last", "turn"]), max_size=30),
)
def test_whatever_comes_every_call_ends_once_and_never_more_than_the_limit_run(limit, steps):
    async def run():
        pool, gate = Pool("handler store", limit), Gate()
        tasks, left = [], []
        for step in steps:
            waiting = [one for one in tasks if one not in left]
            if step == "call":
                tasks.append(asyncio.create_task(pool.call(gate, len(tasks))))
            elif step.startswith("cancel") and waiting:
                left.append(waiting[0 if step == "cancel first" else -1])
                left[-1].cancel()
            await asyncio.sleep(0)
        gate.release.set()
        async with asyncio.timeout(LIMIT):
            await asyncio.wait(tasks) if tasks else None
        for number, task in enumerate(tasks):
            if task.cancelled():
                assert task in left
            else:
                assert task.result() == (number,)
        await asyncio.to_thread(gate.wait_for_none)
        assert len(gate.calls) == len(set(gate.calls))
        assert gate.most <= limit + len(left)
        # As many side by side as ever, whatever was abandoned.
        again = Gate()
        more = [asyncio.create_task(pool.call(again, number)) for number in range(limit + 1)]
        await turns(3)
        await asyncio.to_thread(again.wait_for, limit)
        again.release.set()
        await asyncio.gather(*more)
        assert again.most == limit
        pool.end()

    asyncio.run(run())
