import json

import pytest
from aiohttp import web

from benchmarks import load
from benchmarks.messages import USUAL, body


@pytest.fixture
async def serve():
    """Serves a handler for everything, on the port that it returns."""
    runners = []

    async def serve(handler):
        application = web.Application()
        application.router.add_route("*", "/{tail:.*}", handler)
        runner = web.AppRunner(application, access_log=None)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner.addresses[0][1]

    yield serve
    for runner in runners:
        await runner.cleanup()


async def test_asks_what_it_is_told_and_takes_the_cpu_from_the_server(serve):
    asked = []

    async def answer(request):
        asked.append((request.method, request.path, await request.read()))
        return web.Response(text=str(len(asked)))

    port = await serve(answer)
    result = await load.measure(port, "json", 50, 200)
    assert result["messages"] == 200
    assert result["wall"] > 0
    # The answers count the requests: one for each question, and the second look at the CPU.
    assert result["cpu"] == 201
    orders = [content for method, path, content in asked if (method, path) == ("POST", "/orders")]
    assert len(orders) == 250
    assert json.loads(orders[0]) == body(USUAL)


async def test_fails_when_a_server_answers_anything_else(serve):
    async def answer(request):
        raise web.HTTPNotFound

    port = await serve(answer)
    with pytest.raises(load.UnexpectedAnswer, match="404"):
        await load.measure(port, "plain", 1, 1)


async def test_fails_when_a_server_goes_away(serve):
    async def answer(request):
        request.transport.abort()

    port = await serve(answer)
    with pytest.raises(OSError, match="closed a connection"):
        await load.measure(port, "path", 1, 1)


async def test_does_not_wait_for_a_server_for_ever(monkeypatch, unused_tcp_port):
    monkeypatch.setattr(load, "START_DEADLINE", 0.2)
    with pytest.raises(TimeoutError):
        await load.measure(unused_tcp_port, "plain", 1, 1)
