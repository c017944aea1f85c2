"""An app whose monitor listens on a free port, and clients of it."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession

from asyncworker import App


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_MONITOR_PORT", "0")
    return App()


@pytest.fixture
def monitored(limit):
    """Run an app, and offer a client of its monitor."""

    @asynccontextmanager
    async def monitored(app):
        async with (
            asyncio.timeout(limit),
            app.started(),
            ClientSession(app.http.monitor_url) as client,
        ):
            yield client

    return monitored


@pytest.fixture
def got():
    """Ask, and return status and JSON."""

    async def got(client, path):
        async with client.get(path) as response:
            return response.status, await response.json()

    return got
