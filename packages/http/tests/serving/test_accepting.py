"""Clients that are accepted just as the server ends."""

import asyncio
import gc
import socket

import pytest

from packages.core.tests.waiting import turns

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize("count", range(16))
async def test_each_has_an_answer_or_an_end(app, limit, count):
    @app.http.get("/")
    async def index():
        return "here"

    # What is merely forgotten would be closed by a collection, sooner or later.
    gc.disable()
    try:
        async with app.started():
            client = socket.create_connection(("127.0.0.1", app.http.port))
            client.send(REQUEST)
            await turns(count)
        client.settimeout(limit)
        try:
            answer = await asyncio.to_thread(client.recv, 65_536)
        except ConnectionResetError:
            answer = b""
        assert not answer or answer.startswith(b"HTTP/1.1 ")
    finally:
        gc.enable()
        client.close()
