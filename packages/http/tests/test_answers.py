"""What handlers return, and what clients get for it."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NamedTuple
from uuid import UUID

import pytest
from aiohttp import web
from pydantic import BaseModel, Field


@dataclass
class Point:
    x: int
    y: float


class Person(BaseModel):
    name: str
    born: datetime
    secret: str = Field("x", exclude=True)


class Pair(NamedTuple):
    a: int
    b: int


BORN = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def answer(app, serving):
    """Return status, headers and body of the answer to what a handler returns."""

    async def answer(value):
        @app.http.get("/")
        async def handler():
            return value

        async with serving(app) as client, client.get("/") as response:
            return response.status, response.headers, await response.text()

    return answer


@pytest.mark.parametrize(
    ("value", "content_type", "body"),
    [
        ("olá", "text/plain; charset=utf-8", "olá"),
        ("", "text/plain; charset=utf-8", ""),
        (b"\x00\x01", "application/octet-stream", "\x00\x01"),
        (bytearray(b"ab"), "application/octet-stream", "ab"),
        (memoryview(b"ab"), "application/octet-stream", "ab"),
        ({"a": [1, None, "é"]}, "application/json", '{"a":[1,null,"é"]}'),
        ({}, "application/json", "{}"),
        ([], "application/json", "[]"),
        (OrderedDict(b=1, a=2), "application/json", '{"b":1,"a":2}'),
        ({"id": UUID(int=0)}, "application/json", f'{{"id":"{UUID(int=0)}"}}'),
        ({"nan": float("nan")}, "application/json", '{"nan":null}'),
        (Point(1, 0.5), "application/json", '{"x":1,"y":0.5}'),
        ([Point(1, 0.5)], "application/json", '[{"x":1,"y":0.5}]'),
        (
            Person(name="Ana", born=BORN),
            "application/json",
            '{"name":"Ana","born":"2000-01-01T00:00:00Z"}',
        ),
    ],
)
async def test_a_value_becomes_a_body_and_its_content_type(answer, value, content_type, body):
    status, headers, text = await answer(value)
    assert (status, headers["Content-Type"], text) == (200, content_type, body)


async def test_none_is_204(answer):
    status, headers, text = await answer(None)
    assert (status, text) == (204, "")
    assert "Content-Type" not in headers


@pytest.mark.parametrize("status", [201, HTTPStatus.CREATED])
async def test_a_status_may_follow_the_value(answer, status):
    assert (await answer(({"id": 1}, status)))[::2] == (201, '{"id":1}')


async def test_none_may_have_a_status(answer):
    assert (await answer((None, 202)))[::2] == (202, "")


@pytest.mark.parametrize("kind", [dict, lambda pairs: pairs, iter])
@pytest.mark.parametrize("value", ["text", b"bytes", {"a": 1}, None])
async def test_headers_may_follow_the_status(answer, value, kind):
    status, headers, _ = await answer((value, 200, kind([("X-One", "1"), ("X-Two", "2")])))
    assert (status, headers["X-One"], headers["X-Two"]) == (200, "1", "2")


async def test_a_header_may_come_more_than_once(answer):
    _, headers, _ = await answer(("", 200, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]))
    assert headers.getall("Set-Cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize("value", ["<p>", b"<p>", {"a": 1}])
async def test_a_content_type_among_the_headers_goes_before_that_of_the_value(answer, value):
    _, headers, _ = await answer((value, 200, {"content-type": "text/html; charset=utf-8"}))
    assert headers.getall("Content-Type") == ["text/html; charset=utf-8"]


async def test_a_response_goes_as_it_is(answer):
    status, headers, text = await answer(web.Response(body="Hello world", status=418))
    assert (status, text) == (418, "Hello world")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"


async def test_a_handler_may_stream(app, serving):
    @app.http.get("/")
    async def handler(request: web.Request):
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(3):
            await response.write(b"%d," % number)
        return response

    async with serving(app) as client, client.get("/") as response:
        assert await response.text() == "0,1,2,"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3.5, "returned 3.5 (float): return a web.StreamResponse, str, "),
        (True, "returned True (bool): "),
        ({1, 2}, "returned {1, 2} (set): "),
        (Point, "(type): "),
        (Pair(1, 2), "returned Pair(a=1, b=2) (Pair): "),
        ((), "returned a tuple of 0: "),
        (("a",), "returned a tuple of 1: "),
        (("a", 200, {}, 1), "returned a tuple of 4: "),
        (("a", "200"), "returned the status '200', which is none from 200 to 599"),
        (("a", True), "returned the status True"),
        (("a", 199), "returned the status 199"),
        (("a", 600), "returned the status 600"),
        ((object, 200), "(type): "),
        ((web.Response(), 200), "(Response): "),
        (("a", 200, "X: 1"), "returned the headers 'X: 1', which are no mapping"),
        (("a", 200, 7), "returned the headers 7, which are no mapping"),
        (("a", 200, [1]), "returned the headers [1], which are no mapping: "),
        (("a", 200, {"X": 1}), "returned the header 'X': 1, which is no text"),
        ({"a": object()}, "returned a dict that has no JSON form: "),
        ("\ud800", "which cannot be encoded: "),
    ],
)
async def test_anything_else_is_500_and_a_line_that_says_what_it_was(answer, logs, value, words):
    status, headers, text = await answer(value)
    assert (status, text) == (500, '{"error":"internal server error"}')
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    [record] = logs.errors
    assert record.getMessage().startswith("GET /: handler answer.<locals>.answer.<locals>.handler ")
    assert words in record.getMessage()


async def test_a_document_without_end_is_500(answer):
    value = {}
    value["itself"] = value
    assert (await answer(value))[0] == 500


@pytest.mark.parametrize(
    "make",
    [
        lambda value: web.Response(headers={"X-Name": value}),
        lambda value: web.StreamResponse(headers={"X-Name": value}),
        lambda value: ("", 200, {"X-Name": value}),
        lambda value: ("", 200, {f"X-{value}": "1"}),
        lambda value: ({}, 200, [("X-Name", value)]),
    ],
)
@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nX-Injected: 1", "a\rb", "a\0b"])
@pytest.mark.parametrize("raised", [False, True])
async def test_a_line_break_in_a_header_is_500_and_nothing_is_injected(
    app, serving, logs, make, value, raised
):
    @app.http.get("/")
    async def handler():
        if raised:
            raise web.HTTPFound("/", headers={"X-Name": value})
        return make(value)

    async with serving(app) as client, client.get("/", allow_redirects=False) as response:
        assert response.status == 500
        assert "X-Injected" not in response.headers
    assert "with a line break in it" in logs.errors[0].getMessage()


class Broken(BaseException):
    """What no library expects."""


@pytest.mark.parametrize(
    "error",
    [
        ValueError("private"),
        TimeoutError("private"),
        ConnectionResetError("private"),
        asyncio.CancelledError("private"),
        KeyboardInterrupt("private"),
        SystemExit("private"),
        Broken("private"),
        ExceptionGroup("private", [ValueError()]),
    ],
)
async def test_a_handler_that_raises_is_500_and_one_line_with_the_traceback(
    app, serving, logs, error
):
    @app.http.get("/{id}")
    async def handler(id: int):
        raise error

    async with serving(app) as client:
        async with client.get("/5?token=secret") as response:
            assert response.status == 500
            assert await response.text() == '{"error":"internal server error"}'
        async with client.get("/none/such") as response:
            assert response.status == 404
    [record] = logs.errors
    assert record.getMessage().startswith("GET /{id}: handler ")
    assert "raised " in record.getMessage()
    assert "secret" not in record.getMessage()
    assert record.exc_info[1] is error
    assert record.exc_info[2].tb_frame.f_code is handler.__code__


async def test_the_validation_errors_of_a_handlers_own_code_are_500(app, serving, logs):
    @app.http.get("/")
    async def handler(page: int = 1):
        return Person.model_validate({})

    async with serving(app) as client, client.get("/") as response:
        assert response.status == 500
    assert len(logs.errors) == 1


async def test_what_a_client_sent_is_not_in_the_log(app, serving, logs):
    class Account(BaseModel):
        age: int

    @app.http.post("/text")
    async def text(request):
        return (await request.read()).decode()

    @app.http.post("/model")
    async def model(request):
        return Account.model_validate_json(await request.read())

    @app.http.configure
    def extend(application):
        admin = web.Application()
        admin.router.add_post("/text", text)
        application.add_subapp("/admin/", admin)

    body = b'{"password": "hunter2"}' + b" " * 900_000
    async with serving(app) as client:
        for path, sent in (
            ("/text", body + b"\xff"),
            ("/model", body),
            ("/admin/text", body + b"\xff"),
        ):
            async with client.post(path, data=sent) as response:
                assert response.status == 500
    assert len(logs.errors) == 3
    assert "hunter2" not in logs.written()
    assert len(logs.written()) < 20_000


async def test_an_http_exception_passes_through(app, serving, logs):
    @app.http.get("/")
    async def handler():
        raise web.HTTPConflict(text="taken", headers={"X-Reason": "taken"})

    async with serving(app) as client, client.get("/") as response:
        assert (response.status, await response.text()) == (409, "taken")
        assert response.headers["X-Reason"] == "taken"
    assert logs.errors == []


async def test_an_answer_raised_within_a_task_group_is_one(app, serving, logs):
    async def missing():
        raise web.HTTPNotFound(text="no such order")

    @app.http.get("/")
    async def handler():
        async with asyncio.TaskGroup() as group:
            group.create_task(missing())

    async with serving(app) as client, client.get("/") as response:
        assert (response.status, await response.text()) == (404, "no such order")
    assert not logs.matching("raised")


async def test_a_task_group_in_which_something_else_fails_is_a_failure(app, serving):
    @app.http.get("/")
    async def handler():
        raise ExceptionGroup("two", [web.HTTPNotFound(), ValueError()])

    async with serving(app) as client, client.get("/") as response:
        assert response.status == 500


async def test_an_http_exception_may_be_returned(app, serving):
    @app.http.get("/")
    async def handler():
        return web.HTTPNotFound(text="gone")

    async with serving(app) as client, client.get("/") as response:
        assert (response.status, await response.text()) == (404, "gone")


@pytest.mark.parametrize("ending", ["raises", "returns none", "returns a value"])
async def test_no_second_answer_follows_one_that_a_handler_began(app, connect, logs, ending):
    @app.http.get("/")
    async def handler(request: web.Request):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        if ending == "raises":
            raise ValueError
        return None if ending == "returns none" else "again"

    async with app.started():
        wire = await connect(app)
        wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        text = await wire.rest()
    assert text.count("HTTP/1.1") == 1
    assert text.endswith("begun\r\n")
    assert len(logs.errors) == (ending == "raises")
