"""Middlewares and error hooks around requests."""

import asyncio
from dataclasses import dataclass

import aiohttp
import pytest
from aiohttp import web

from asyncworker import Call, Options, RouteTypes
from asyncworker.errors import HandlerTimeout


@dataclass
class Order:
    name: str


@pytest.fixture
def told():
    return []


@pytest.fixture
def app(app, told):
    @app.on_error
    async def report(error, call):
        told.append((error, call))

    return app


async def answer(client, method, path, **given):
    async with client.request(method, path, **given) as response:
        return response.status, await response.text()


async def test_a_middleware_is_around_the_answer(app, serving):
    seen = []

    @app.middleware
    async def outer(call, call_next):
        seen.append(call)
        seen.append(await call_next())

    @app.http.get("/{id}")
    async def handler(id: int):
        return {"id": id}

    async with serving(app) as client:
        assert await answer(client, "GET", "/5") == (200, '{"id":5}')
    [call, returned] = seen
    assert call == Call(app=app, route=app.routes[0], type=RouteTypes.HTTP, request=call.request)
    assert isinstance(call.request, web.Request)
    assert call.request.path == "/5"
    assert returned == {"id": 5}


async def test_what_a_middleware_returns_is_the_answer(app, serving):
    async def other(call, call_next):
        return {"was": await call_next()}, 202

    @app.http.get("/", middlewares=[other])
    async def handler():
        return "text"

    async with serving(app) as client:
        assert await answer(client, "GET", "/") == (202, '{"was":"text"}')
        assert await answer(client, "HEAD", "/") == (202, "")


async def test_the_handler_may_be_skipped(app, serving):
    @app.middleware
    async def skipping(call, call_next):
        if call.request.query.get("cached"):
            return "cached"
        return None if call.request.query.get("nothing") else await call_next()

    @app.http.get("/")
    async def handler():
        return "fresh"

    async with serving(app) as client:
        assert await answer(client, "GET", "/") == (200, "fresh")
        assert await answer(client, "GET", "/?cached=1") == (200, "cached")
        assert await answer(client, "GET", "/?nothing=1") == (204, "")


async def test_a_request_is_refused_before_its_body_is_read(app, serving, connect, told, logs):
    bodies = []

    @app.middleware
    async def guard(call, call_next):
        if call.request.headers.get("Authorization") != "secret":
            bodies.append(call.request.content.total_bytes)
            raise web.HTTPUnauthorized(text="who?")
        return await call_next()

    @app.http.post("/{id}")
    async def handler(id: int, order: Order):
        return order

    async with serving(app) as client:
        headers = {"Authorization": "secret"}
        order = {"name": "tea"}
        assert await answer(client, "POST", "/5", json=order, headers=headers) == (
            200,
            '{"name":"tea"}',
        )
        # Whatever else is wrong with it.
        assert await answer(client, "POST", "/x", data=b"no json") == (401, "who?")
        wire = await connect(app)
        wire.send(
            b"POST /5 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000000\r\n\r\n"
        )
        assert " 401 " in await wire.head()
        # Nor does what it announces count.
        wire = await connect(app)
        wire.send(
            b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Type: text/html\r\n"
            b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        )
        assert " 100 " in await wire.head()
        assert " 401 " in await wire.head()
    assert told == []
    assert logs.errors == []


async def test_error_hooks_alone_let_a_body_be_refused_before_it_is_sent(app, serving, connect):
    @app.http.post("/{id}")
    async def handler(id: int, order: Order): ...

    async with serving(app):
        wire = await connect(app)
        wire.send(
            b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        )
        assert " 400 " in await wire.head()


async def test_what_does_not_fit_is_refused_within_middlewares_and_no_failure(
    app, serving, told, logs
):
    seen = []

    @app.middleware
    async def keep(call, call_next):
        try:
            await call_next()
        except web.HTTPException as error:
            seen.append(error.status)
            raise

    @app.http.post("/{id}")
    async def handler(id: int, order: Order): ...

    async with serving(app) as client:
        assert (await answer(client, "POST", "/x"))[0] == 400
        assert (await answer(client, "POST", "/5", json={}))[0] == 422
        assert (await answer(client, "POST", "/5", data=b"x"))[0] == 415
    assert seen == [400, 422, 415]
    assert told == []
    assert logs.errors == []


async def test_a_body_that_ends_too_early_is_no_failure(app, serving, connect, told, logs):
    @app.http.post("/")
    async def handler(order: Order): ...

    async with serving(app):
        wire = await connect(app)
        wire.send(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"
        )
        assert " 400 " in await wire.head()
    assert told == []


@pytest.mark.parametrize(
    "error", [web.HTTPConflict(), ExceptionGroup("both", [web.HTTPConflict()])], ids=repr
)
async def test_an_answer_that_is_raised_is_no_failure(app, serving, told, error):
    @app.http.get("/")
    async def handler():
        raise error

    async with serving(app) as client:
        assert (await answer(client, "GET", "/"))[0] == 409
    assert told == []


async def test_what_a_handler_raises_is_told_before_the_client_is(app, serving, told, logs):
    error = ValueError("no")
    mixed = ExceptionGroup("mixed", [web.HTTPConflict(), error])

    @app.http.get("/")
    async def handler():
        raise error

    @app.http.get("/mixed")
    async def both():
        raise mixed

    async with serving(app) as client:
        assert (await answer(client, "GET", "/"))[0] == 500
        assert [one for one, _ in told] == [error]
        assert (await answer(client, "GET", "/mixed"))[0] == 500
        assert [one for one, _ in told] == [error, mixed]
    assert told[0][1].request.path == "/"
    assert len(logs.errors) == 2
    assert logs.errors[0].getMessage().startswith("GET /: handler ")


async def test_what_a_middleware_raises_is_500(app, serving, told, logs):
    error = ValueError("no")

    async def broken(call, call_next):
        raise error

    @app.http.get("/", middlewares=[broken])
    async def handler(): ...

    async with serving(app) as client:
        assert (await answer(client, "GET", "/"))[0] == 500
    assert [one for one, _ in told] == [error]
    [record] = logs.errors
    assert record.exc_info[2].tb_frame.f_code is broken.__code__


async def test_a_time_limit_is_within_middlewares(app, serving, told):
    seen = []

    @app.middleware
    async def keep(call, call_next):
        try:
            await call_next()
        except HandlerTimeout as error:
            seen.append(error)
            raise

    @app.http.get("/", options={Options.TIMEOUT: 0.01})
    async def handler():
        await asyncio.Event().wait()

    async with serving(app) as client:
        assert (await answer(client, "GET", "/"))[0] == 504
    assert seen == [error for error, _ in told]
    assert len(seen) == 1


async def test_without_any_what_answers_is_what_was_made_at_the_decorator(serving):
    from asyncworker import App
    from asyncworker.middleware.chain import surrounded

    app = App()

    @app.http.get("/")
    async def handler(request): ...

    [route] = app.routes
    assert surrounded(route, app) is route
    assert route.begins["GET", "/"] is handler


async def test_a_middleware_is_around_all_that_is_streamed(app, serving, logs):
    order, told = [], []

    @app.middleware
    async def note(call, call_next):
        order.append("before")
        try:
            response = await call_next()
            order.append(response.status)
        finally:
            order.append("after")

    @app.on_error
    async def tell(error, call):
        told.append((repr(error), call.request.path))

    @app.http.get("/{how}")
    async def rows(how: str):
        order.append("first")
        yield "1"
        if how == "fails":
            raise RuntimeError("on purpose")
        order.append("last")

    async with serving(app) as client:
        async with client.get("/works") as response:
            assert await response.text() == "1"
        assert order == ["before", "first", "last", 200, "after"]
        order.clear()
        with pytest.raises(aiohttp.ClientPayloadError):
            async with client.get("/fails") as response:
                await response.text()
    assert order == ["before", "first", "after"]
    assert told == [("RuntimeError('on purpose')", "/fails")]


async def test_a_middleware_may_answer_in_place_of_a_stream(app, serving):
    @app.middleware
    async def refuse(call, call_next):
        return "no", 403

    @app.http.get("/")
    async def rows():
        yield "1"

    async with serving(app) as client, client.get("/") as response:
        assert (response.status, await response.text()) == (403, "no")
