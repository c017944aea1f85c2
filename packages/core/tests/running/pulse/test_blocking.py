"""What blocks the event loop is noticed while it does, and told with its line."""

import asyncio
import logging

import pytest

from packages.core.tests.running.pulse.blocking import LIMIT, block
from packages.core.tests.waiting import until

BLOCKING = """
import logging
from logging.handlers import QueueHandler
from queue import SimpleQueue

from asyncworker import App

app = App()
lines = SimpleQueue()
logging.getLogger("asyncworker.running.pulse").addHandler(QueueHandler(lines))


class Store:
    async def __call__(self):
        lines.get()
        app.shutdown()


app.run_every(1000)(Store())
app.run()
"""


async def test_it_is_told_once_while_it_lasts_and_once_when_it_is_over(app, pulse_lines, limit):
    seen, over = [], asyncio.Event()

    @app.run_every(1000)
    async def store():
        seen.append(pulse_lines.get(timeout=limit))
        seen.append(app.feed.blocked)
        block(3 * LIMIT)
        over.set()

    async with app.started():
        await until(over)
        last = await asyncio.to_thread(pulse_lines.get, timeout=limit)
        assert app.feed.blocked is None
        seconds = app.feed.blocked_seconds
        assert app.feed.last_blocked.seconds == seconds
    first, blockage = seen
    assert blockage.handler == store.__qualname__
    assert blockage.place == f"{__file__}:{store.__code__.co_firstlineno + 2} in store"
    assert LIMIT <= blockage.seconds < seconds
    so_far = f"for {blockage.seconds:.1f} s so far"
    assert first.message == f"the event loop is blocked {blockage}, {so_far}"
    assert last.message == f"the event loop was blocked {blockage}, for {seconds:.1f} s"
    assert pulse_lines.empty()


async def test_it_is_told_each_time(app, pulse_lines, limit):
    said, over = [], asyncio.Event()

    @app.run_every(0.001)
    async def store():
        while "is blocked" not in (message := pulse_lines.get(timeout=limit).message):
            said.append(message)
        said.append(message)
        if len(said) == 3:
            over.set()

    async with app.started():
        await until(over)
    assert [message.split()[3] for message in said[:3]] == ["is", "was", "is"]


async def test_the_handler_is_named_where_what_it_calls_blocks(app, pulse_lines, limit):
    lines, over = [], asyncio.Event()

    def deeper(levels):
        return deeper(levels - 1) if levels else pulse_lines.get(timeout=limit)

    @app.run_every(1000)
    async def store():
        lines.append(deeper(100))
        over.set()

    async with app.started():
        await until(over)
    assert f"at {__file__}:{store.__code__.co_firstlineno + 2} in store" in lines[0].message
    calling = f"{__file__}:{deeper.__code__.co_firstlineno + 1} in deeper"
    assert lines[0].stack == (calling,) * 20


async def test_what_is_no_handler_is_told_by_its_place(app, pulse_lines, limit):
    async def clean():
        return pulse_lines.get(timeout=limit)

    async with app.started(), asyncio.timeout(limit):
        line = await asyncio.create_task(clean())
    place = f"{__file__}:{clean.__code__.co_firstlineno + 1} in clean"
    assert line.message.startswith(f"the event loop is blocked at {place}, for ")


async def test_what_blocks_the_start_is_told(app, pulse_lines, limit):
    lines = []

    @app.run_on_startup
    async def connect(app):
        lines.append(pulse_lines.get(timeout=limit))

    async with app.started():
        pass
    place = f"{__file__}:{connect.__code__.co_firstlineno + 2} in connect"
    assert lines[0].stack == (place,)


async def test_what_computes_without_letting_threads_run_is_told_too(app, pulse_lines, limit):
    over = asyncio.Event()

    @app.run_every(1000)
    async def compute():
        sum(range(50_000_000))
        over.set()

    async with app.started():
        await until(over)
    place = f"{__file__}:{compute.__code__.co_firstlineno + 2} in compute"
    line = pulse_lines.get(timeout=limit)
    by = f"by handler {compute.__qualname__} at {place}, for "
    assert line.message.startswith(f"the event loop is blocked {by}")


async def test_who_holds_a_lock_of_the_log_is_told_to_the_feed_at_once(app, pulse_lines, limit):
    seen = asyncio.Event()
    [handler] = logging.getLogger("asyncworker.running.pulse").handlers

    @app.run_every(1000)
    async def store():
        with handler.lock:
            while app.feed.blocked is None:
                block(LIMIT / 10)
            block(3 * LIMIT)
            assert pulse_lines.empty()
        seen.set()

    async with app.started():
        await until(seen)
    assert app.feed.blocked_seconds > 3 * LIMIT
    assert [pulse_lines.get(timeout=limit).message.split()[3] for _ in range(2)] == ["is", "was"]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_a_worker_logs_it_without_its_loop(worker, loop):
    process = await worker(BLOCKING, ASYNCWORKER_LOOP=loop, ASYNCWORKER_BLOCKED_AFTER=str(LIMIT))
    result = await process.end()
    assert result.code == 0
    blocked, was_blocked = result.messages
    assert blocked.startswith("the event loop is blocked by handler Store at <string>:")
    assert was_blocked.startswith("the event loop was blocked by handler Store at <string>:")
