"""A monitor on a port of its own, as far as core knows of it."""

import pytest

from asyncworker import App
from asyncworker.errors import BackendNotInstalled


@pytest.fixture
def called():
    return []


@pytest.fixture
def monitored(monkeypatch, called):
    """An app that is to have a monitor."""
    monkeypatch.setenv("ASYNCWORKER_MONITOR_PORT", "0")
    app = App()
    app.run_on_startup(called.append)
    return app


@pytest.mark.usefixtures("no_backends")
async def test_without_what_serves_http_it_says_what_to_install(monitored, called):
    reason = "^ASYNCWORKER_MONITOR_PORT needs asyncworker-http: pip install --upgrade asyncworker-"
    with pytest.raises(BackendNotInstalled, match=reason):
        async with monitored.started():
            pass
    assert called == []


async def test_another_backend_of_http_without_one_says_so_too(monitored, called, monkeypatch):
    monkeypatch.setattr("asyncworker.running.monitoring.load_backend", lambda route_type: object())
    with pytest.raises(BackendNotInstalled, match="needs asyncworker-http"):
        async with monitored.started():
            pass
    assert called == []


async def test_statistics_are_kept_for_each_run_anew(monitored):
    assert monitored.feed.statistics is None
    async with monitored.started():
        first = monitored.feed.statistics
    async with monitored.started():
        assert monitored.feed.statistics is not first
    assert first is not None
