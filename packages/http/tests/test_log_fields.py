"""What lines say by themselves that are logged while a request is answered."""

import asyncio
import json
from typing import Annotated

import pytest
from pydantic import AfterValidator

from asyncworker.log_fields import log_fields

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = {"X-Request-ID": "r-1", "traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}


async def said(client, path, **given):
    async with client.get(path, **given) as response:
        assert response.status == 200
        return json.loads(await response.text())


async def test_a_request_is_told_by_the_template_and_its_headers_never_by_the_url(app, serving):
    @app.http.get("/orders/{id}")
    async def handler(id: int):
        await asyncio.sleep(0)
        return log_fields()

    async with serving(app) as client:
        first = await said(client, "/orders/7?token=s3cret", headers=HEADERS)
        second = await said(client, "/orders/8")
    assert first == {"route": "GET /orders/{id}", "request_id": "r-1", "trace_id": TRACE_ID}
    assert second == {"route": "GET /orders/{id}"}


async def test_a_plain_function_is_told_it_in_its_thread(app, serving):
    @app.http.get("/plain")
    def handler():
        return log_fields()

    async with serving(app) as client:
        found = await said(client, "/plain", headers=HEADERS)
    assert found == {"route": "GET /plain", "request_id": "r-1", "trace_id": TRACE_ID}


async def test_middlewares_and_what_is_yielded_are_told_it(app, serving):
    found = []

    @app.middleware
    async def note(call, call_next):
        found.append(log_fields())
        return await call_next()

    @app.http.get("/stream")
    async def handler():
        yield json.dumps(log_fields())

    async with serving(app) as client:
        assert await said(client, "/stream") == {"route": "GET /stream"}
    assert found == [{"route": "GET /stream"}]


async def test_what_a_client_sends_is_bounded(app, serving):
    @app.http.get("/")
    async def handler():
        return log_fields()

    async with serving(app) as client:
        headers = {"X-Request-ID": "x" * 1000, "traceparent": "no such thing"}
        found = await said(client, "/", headers=headers)
    assert found == {"route": "GET /", "request_id": "x" * 200 + "..."}


@pytest.mark.parametrize("headers", [{}, {"Expect": "100-continue"}])
async def test_validators_are_told_it(app, serving, headers):
    found = []

    def check(value):
        found.append(log_fields())
        return value

    @app.http.post("/{id}")
    async def handler(id: Annotated[int, AfterValidator(check)], body: dict[str, int]):
        return "ok"

    posted = {"json": {"a": 1}, "headers": headers}
    async with serving(app) as client, client.post("/5", **posted) as response:
        assert response.status == 200
    assert found
    assert all(each == {"route": "POST /{id}"} for each in found)
