"""An app that notices soon when its loop is blocked, and another one whose loop is."""

import threading

import pytest

from asyncworker import App
from packages.core.tests.running.pulse.blocking import LIMIT, block


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_BLOCKED_AFTER", str(LIMIT))
    return App()


@pytest.fixture
def others_blocked(monkeypatch, pulse_lines, limit):
    """Block the loop of another app, in a thread, until that is noticed: so much time passes."""

    def until_noticed(seconds):
        monkeypatch.setenv("ASYNCWORKER_BLOCKED_AFTER", str(seconds))
        other = App()

        @other.run_every(1000)
        async def wait():
            while other.feed.blocked is None:
                block(0.01)
            other.shutdown()

        thread = threading.Thread(target=other.run)
        thread.start()
        thread.join(limit)
        assert not thread.is_alive()
        by = f"by handler {wait.__qualname__} at"
        told = 0
        while told < 2:
            # On a busy machine its start may be slow enough to be told of as well.
            told += by in pulse_lines.get(timeout=limit).message

    return until_noticed
