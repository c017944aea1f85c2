"""A handler that takes longer than its Options.TIMEOUT."""

import asyncio

import pytest
from aiohttp import ClientPayloadError, web

from asyncworker import Options, RouteTypes

SHORT = {Options.TIMEOUT: 0.01}
LONG = {Options.TIMEOUT: 1000}


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete"])
async def test_the_client_is_answered_504_and_the_log_has_one_line(app, serving, logs, method):
    cancelled = asyncio.Event()

    @getattr(app.http, method)("/{id}", options=SHORT)
    async def slow(id: int):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serving(app) as client, client.request(method, "/5") as response:
        assert response.status == 504
        if method != "head":
            assert await response.json() == {"error": "gateway timeout"}
        assert cancelled.is_set()
    [record] = logs.errors
    message = record.getMessage()
    assert message.startswith(f"{method.upper()} /{{id}}: handler ")
    assert message.endswith(
        "raised HandlerTimeout('it took longer than 0.01 s (Options.TIMEOUT) and was cancelled')"
    )


async def test_a_handler_that_is_in_time_answers(app, serving, logs):
    @app.route(["/{id}"], type=RouteTypes.HTTP, options=LONG)
    async def quick(id: int, page: int = 1):
        return {"id": id, "page": page}

    async with serving(app) as client, client.get("/5?page=2") as response:
        assert await response.json() == {"id": 5, "page": 2}
    assert logs.errors == []


async def test_the_request_alone_is_given_within_the_limit_too(app, serving):
    @app.http.get("/", options=LONG)
    async def handler(request: web.Request):
        return request.path

    async with serving(app) as client, client.get("/") as response:
        assert await response.text() == "/"


async def test_a_timeout_of_the_handlers_own_is_500(app, serving):
    @app.http.get("/", options=LONG)
    async def handler():
        raise TimeoutError

    async with serving(app) as client, client.get("/") as response:
        assert response.status == 500


async def test_an_answer_that_has_begun_is_cut_off(app, serving):
    @app.http.get("/", options=SHORT)
    async def stream(request: web.Request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        await asyncio.Event().wait()

    async with serving(app) as client, client.get("/") as response:
        assert response.status == 200
        with pytest.raises(ClientPayloadError):
            await response.read()
