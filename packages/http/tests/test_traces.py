"""Spans of requests."""

import asyncio

import pytest
from aiohttp import web
from opentelemetry.trace import SpanKind, StatusCode

from asyncworker import App
from asyncworker.errors import DrainTimeout

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


@pytest.fixture
def app(app, spans):
    app.trace(spans.provider)
    return app


async def test_is_one_for_each_request_in_the_context_of_its_headers(app, serving, spans):
    @app.http.get("/users/{number}")
    async def user(number: int):
        spans.provider.get_tracer("test").start_span("within").end()
        return {}

    async with serving(app) as client:
        headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
        async with client.get("/users/7?token=hunter2", headers=headers):
            pass
        [span] = await spans.wait("GET /users/{number}")
        [within] = await spans.wait("within")
        port = app.http.port

    assert SpanKind.SERVER == span.kind
    assert (int(TRACE, 16), int(SPAN, 16)) == (span.context.trace_id, span.parent.span_id)
    assert span.context.span_id == within.parent.span_id
    assert dict(span.attributes) == {
        "http.request.method": "GET",
        "http.route": "/users/{number}",
        "http.response.status_code": 200,
        "url.path": "/users/7",
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": port,
    }
    assert StatusCode.UNSET == span.status.status_code


async def test_tells_apart_what_clients_and_what_handlers_did_wrong(app, serving, spans):
    @app.http.get("/users/{number}")
    async def user(number: int):
        if number == 1:
            raise web.HTTPNotFound
        if number == 2:
            return {}, 503
        raise ValueError("no such user")

    async with serving(app) as client:
        for number in ("1", "one", "2", "3"):
            async with client.get(f"/users/{number}"):
                pass
        missing, refused, unavailable, failed = await spans.wait("GET /users/{number}", 4)

    all_of_them = missing, refused, unavailable, failed
    codes = [one.status.status_code for one in all_of_them]
    statuses = [one.attributes["http.response.status_code"] for one in all_of_them]
    assert [StatusCode.UNSET] * 2 + [StatusCode.ERROR] * 2 == codes
    assert [404, 400, 503, 500] == statuses
    assert "error.type" not in missing.attributes
    assert "503" == unavailable.attributes["error.type"]
    assert "builtins.ValueError" == failed.attributes["error.type"]
    assert "ValueError: no such user" == failed.status.description


async def test_lasts_as_long_as_an_answer_is_sent(app, serving, spans):
    @app.http.get("/numbers")
    async def numbers():
        yield "1"
        spans.provider.get_tracer("test").start_span("within").end()
        yield "2"

    async with serving(app) as client:
        async with client.get("/numbers") as answer:
            await answer.read()
        [span] = await spans.wait("GET /numbers")
        [within] = await spans.wait("within")

    assert span.context.span_id == within.parent.span_id
    assert span.end_time >= within.end_time


async def test_takes_a_request_that_is_cut_short_for_no_error(serving, connect, spans, monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_SHUTDOWN_TIMEOUT", "0")
    app = App()
    app.trace(spans.provider)
    begun = asyncio.Event()

    @app.http.get("/slow")
    async def slow():
        begun.set()
        await asyncio.Event().wait()

    with pytest.raises(DrainTimeout):
        async with serving(app):
            wire = await connect(app)
            wire.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            await begun.wait()
    [span] = await spans.wait("GET /slow")

    assert StatusCode.UNSET == span.status.status_code
    assert "http.response.status_code" not in span.attributes


@pytest.mark.parametrize("host", [b"Host: :80\r\n", b"Host:\r\n", b""])
async def test_tells_no_server_that_the_client_did_not_name(app, serving, connect, spans, host):
    @app.http.get("/")
    async def root():
        return {}

    async with serving(app):
        wire = await connect(app)
        version = b"1.1" if host else b"1.0"
        wire.send(b"GET / HTTP/" + version + b"\r\n" + host + b"\r\n")
        assert " 200 " in await wire.head()
        [span] = await spans.wait("GET /")
    assert "server.address" not in span.attributes


async def test_makes_none_of_what_probes_ask(app, serving, spans):
    app.http.monitor(prefix="/-")

    @app.http.get("/")
    async def root():
        return {}

    async with serving(app) as client:
        for path in ("/-/health/live", "/"):
            async with client.get(path) as answer:
                assert 200 == answer.status
        await spans.wait("GET /")
    assert ["GET /"] == [span.name for span in spans.all]


async def test_names_a_head_request_as_what_it_is(app, serving, spans):
    @app.http.get("/")
    async def root():
        return {}

    async with serving(app) as client:
        async with client.head("/"):
            pass
        [span] = await spans.wait("HEAD /")
    assert "HEAD" == span.attributes["http.request.method"]


async def test_refuses_a_body_before_it_is_sent_as_ever(app, serving, connect, spans):
    @app.http.post("/")
    async def post(request: web.Request, number: int):
        return {}

    async with serving(app):
        wire = await connect(app)
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n")
        wire.send(b"Expect: 100-continue\r\n\r\n")
        assert " 400 " in await wire.head()


async def test_wraps_no_endpoint_without_traces():
    app = App()

    @app.http.get("/")
    async def root():
        return {}

    [route] = app.routes
    assert route.tracing is None
    assert ["make_endpoint.<locals>.endpoint"] == [
        one.__qualname__ for one in route.endpoints.values()
    ]
