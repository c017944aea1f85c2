"""An app on a free port, clients that speak well, and clients that do not."""

import asyncio
import logging
import os
import sys
from contextlib import asynccontextmanager
from textwrap import dedent

import pytest
from aiohttp import ClientSession

from asyncworker import App

LIMIT = 60.0
"""Seconds that anything may take on a busy machine before a test gives up waiting for it."""


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in list(os.environ):
        if name.upper().startswith("ASYNCWORKER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ASYNCWORKER_HTTP_PORT", "0")


@pytest.fixture
def app():
    return App()


@pytest.fixture
def limit():
    return LIMIT


@pytest.fixture
def serving():
    """Run an app, and offer a client that knows its address."""

    @asynccontextmanager
    async def serving(app):
        async with asyncio.timeout(LIMIT), app.started(), ClientSession(app.http.url) as client:
            yield client

    return serving


class LogWaiter(logging.Handler):
    """Collects log records, and lets a test wait for one."""

    def __init__(self):
        super().__init__()
        self.records = []
        self._changed = asyncio.Event()

    def emit(self, record):
        self.records.append(record)
        self._changed.set()

    def matching(self, text):
        return [record for record in self.records if text in record.getMessage()]

    async def wait(self, text):
        async with asyncio.timeout(LIMIT):
            while not self.matching(text):
                self._changed.clear()
                await self._changed.wait()
        return self.matching(text)[0]

    @property
    def errors(self):
        return [record for record in self.records if record.levelno >= logging.WARNING]


@pytest.fixture
def logs():
    waiter = LogWaiter()
    loggers = [logging.getLogger(name) for name in ("asyncworker", "aiohttp")]
    for logger in loggers:
        logger.addHandler(waiter)
        logger.setLevel(logging.DEBUG)
    yield waiter
    for logger in loggers:
        logger.removeHandler(waiter)
        logger.setLevel(logging.NOTSET)


class Wire:
    """A connection that sends what it likes."""

    def __init__(self, reader, writer):
        self._reader = reader
        self.writer = writer

    def send(self, data):
        self.writer.write(data)

    async def head(self):
        """The next answer's status line and headers."""
        async with asyncio.timeout(LIMIT):
            return (await self._reader.readuntil(b"\r\n\r\n")).decode()

    async def exactly(self, count):
        async with asyncio.timeout(LIMIT):
            return await self._reader.readexactly(count)

    async def rest(self):
        """Whatever comes until the server closes."""
        async with asyncio.timeout(LIMIT):
            try:
                return (await self._reader.read()).decode()
            except ConnectionResetError:
                return ""


@pytest.fixture
async def connect():
    """Open raw connections to an app."""
    wires = []

    async def connect(app):
        async with asyncio.timeout(LIMIT):
            reader, writer = await asyncio.open_connection("127.0.0.1", app.http.port)
        wires.append(Wire(reader, writer))
        return wires[-1]

    yield connect
    for wire in wires:
        wire.writer.transport.abort()


@pytest.fixture
async def process():
    """Run a script in a process of its own; return its exit code, stdout and stderr."""
    started = []

    async def run(script, **environment):
        one = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            dedent(script),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **environment},
        )
        started.append(one)
        async with asyncio.timeout(LIMIT):
            output, errors = await one.communicate()
        return one.returncode, output.decode(), errors.decode()

    yield run
    for one in started:
        if one.returncode is None:
            one.kill()
            await one.communicate()
