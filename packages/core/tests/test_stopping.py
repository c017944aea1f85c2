"""`app.stopping`: how a handler that goes on and on learns that the run is to end."""

import asyncio
import signal

import pytest

from asyncworker import App
from asyncworker.errors import ConfigurationError


@pytest.fixture
def app():
    return App()


async def test_is_true_from_the_stop_to_the_end_of_the_run_and_in_its_hooks(app):
    seen = []
    app.run_on_startup(lambda app: seen.append(bool(app.stopping)))
    app.run_on_shutdown(lambda app: seen.append(bool(app.stopping)))
    assert not app.stopping
    for _ in range(2):
        async with app.started():
            assert not app.stopping
            app.shutdown()
            assert app.stopping
        assert not app.stopping
    assert seen == [False, True, False, True]


async def test_a_schedule_that_awaits_it_ends_with_the_run(app):
    ended = []

    @app.run_every(3600)
    async def follow():
        await app.stopping
        ended.append("by itself")

    for _ in range(2):
        async with app.started():
            await asyncio.sleep(0)
    assert ended == ["by itself"] * 2


def test_a_signal_is_a_stop_on_each_loop_that_an_app_runs_on(app):
    ended = []

    @app.run_every(3600)
    async def follow():
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGTERM)
        await asyncio.wait_for(app.stopping.wait(), 10)
        ended.append(bool(app.stopping))

    app.run()
    app.run()
    assert ended == [True, True]


async def test_a_thread_may_ask(app):
    going_on = asyncio.Event()

    def work(loop):
        loop.call_soon_threadsafe(going_on.set)
        while not app.stopping:
            pass
        return "ended"

    ends = []

    @app.run_every(3600)
    async def compute():
        ends.append(await asyncio.to_thread(work, asyncio.get_running_loop()))

    async with app.started():
        await going_on.wait()
    assert ends == ["ended"]


async def test_there_is_nothing_to_wait_for_without_a_run(app):
    with pytest.raises(ConfigurationError, match="the app does not run"):
        await app.stopping
