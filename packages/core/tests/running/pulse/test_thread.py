"""The thread that looks at the loop comes and goes with the run."""

import asyncio
import threading

import pytest

from asyncworker import App
from asyncworker.errors import HookFailed
from asyncworker.running.pulse import Pulse
from packages.core.tests.running.pulse.blocking import LIMIT


def pulses():
    return [thread for thread in threading.enumerate() if thread.name == "asyncworker-pulse"]


async def test_each_run_has_a_thread_of_its_own(app):
    assert pulses() == []
    async with app.started():
        assert len(pulses()) == 1
        async with App().started():
            assert len(pulses()) == 2
    assert pulses() == []


async def test_a_run_that_does_not_start_leaves_none(app):
    @app.run_on_startup
    async def fail(app):
        raise ValueError

    with pytest.raises(HookFailed):
        await app.serve()
    assert pulses() == []


async def test_none_runs_where_it_is_off(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_BLOCKED_AFTER", "0")
    async with App().started():
        assert pulses() == []


def test_it_ends_when_the_loop_is_closed_before_the_run(app):
    loop = asyncio.new_event_loop()
    pulse = Pulse(loop, app.feed, LIMIT)
    loop.close()
    pulse.take()
