"""An app on a free port, clients that speak well, and clients that do not."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from textwrap import dedent

import pytest
from aiohttp import ClientSession

from asyncworker import App


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
def serving(limit):
    """Run an app, and offer a client that knows its address."""

    @asynccontextmanager
    async def serving(app):
        async with asyncio.timeout(limit), app.started(), ClientSession(app.http.url) as client:
            yield client

    return serving


@pytest.fixture
def logs(logs):
    """Those of the library too."""
    with logs.listening("aiohttp"):
        yield logs


class Wire:
    """A connection that sends what it likes."""

    def __init__(self, reader, writer, limit):
        self._reader = reader
        self.writer = writer
        self._limit = limit

    def send(self, data):
        self.writer.write(data)

    async def announce(self, length):
        """Announce a document of so many bytes, and wait until the server asks for it."""
        self.send(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % length
        )
        assert " 100 " in await self.head()

    async def head(self):
        """The next answer's status line and headers."""
        async with asyncio.timeout(self._limit):
            return (await self._reader.readuntil(b"\r\n\r\n")).decode()

    async def exactly(self, count):
        async with asyncio.timeout(self._limit):
            return await self._reader.readexactly(count)

    async def rest(self):
        """Whatever comes until the server closes."""
        async with asyncio.timeout(self._limit):
            try:
                return (await self._reader.read()).decode()
            except ConnectionResetError:
                return ""


@pytest.fixture
async def connect(limit):
    """Open raw connections to an app."""
    wires = []

    async def connect(app):
        async with asyncio.timeout(limit):
            reader, writer = await asyncio.open_connection("127.0.0.1", app.http.port)
        wires.append(Wire(reader, writer, limit))
        return wires[-1]

    yield connect
    for wire in wires:
        wire.writer.transport.abort()


@pytest.fixture
async def process(limit):
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
        async with asyncio.timeout(limit):
            output, errors = await one.communicate()
        return one.returncode, output.decode(), errors.decode()

    yield run
    for one in started:
        if one.returncode is None:
            one.kill()
            await one.communicate()
