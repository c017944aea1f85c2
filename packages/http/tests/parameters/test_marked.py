"""Headers, cookies, fields of forms and files, as parameters."""

import asyncio
import gzip
from enum import Enum
from io import BytesIO
from typing import Annotated
from urllib.parse import parse_qs, urlencode

import pytest
from aiohttp import ClientSession, FormData
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from asyncworker import App, Cookie, Form, Header, UploadedFile
from asyncworker.errors import ConfigurationError

FORM = "application/x-www-form-urlencoded"


class Size(Enum):
    SMALL = 1
    LARGE = 2


@pytest.fixture
def ask(app, serving):
    """Send a request to a handler; return the status and the JSON of the answer."""

    async def ask(handler, method="GET", **request):
        app.route(["/"], type="http", methods=[method])(handler)
        async with serving(app) as client, client.request(method, "/", **request) as response:
            return response.status, await response.json()

    return ask


def problems(answer):
    return [(each["in"], each["field"], each["reason"]) for each in answer["problems"]]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["1,2", "3"], ["1", "2", "3"]),
        ([" a b ,, c ,"], ["a b", "c"]),
        (['"a, b", c'], ['"a, b"', "c"]),
        (['"a\\", b", c'], ['"a\\", b"', "c"]),
        (['"a, b'], ['"a, b']),
        ([""], []),
    ],
)
async def test_a_list_in_a_header_is_separated_by_commas(ask, lines, expected):
    async def handler(x_tag: Annotated[list[str], Header()]):
        return x_tag

    status, answer = await ask(handler, headers=[("x-tag", line) for line in lines])
    assert (status, answer) == (200, expected)


async def test_headers_and_cookies_are_converted(ask):
    async def handler(
        tenant: Annotated[str, Header("X-Tenant")],
        session: Annotated[int, Cookie()],
        x_size: Annotated[Size, Header()],
        x_tag: Annotated[list[int], Header()],
        limit: Annotated[int, Field(gt=0), Header("x-limit")] = 10,
        more: Annotated[str | None, Cookie("other")] = None,
    ):
        return [tenant, session, x_size.name, x_tag, limit, more]

    headers = [("x-tenant", "acme"), ("x-size", "2"), ("x-tag", "1"), ("x-tag", "2")]
    answer = await ask(handler, headers=headers, cookies={"session": "7"})
    assert answer == (200, ["acme", 7, "LARGE", [1, 2], 10, None])


async def test_what_does_not_fit_is_400_with_all_that_is_wrong(ask):
    async def handler(
        tenant: Annotated[str, Header("x-tenant")],
        session: Annotated[int, Cookie()],
        x_size: Annotated[Size, Header()],
        x_limit: Annotated[int, Field(gt=0), Header()] = 10,
    ): ...

    headers = [("x-size", "1"), ("x-size", "2"), ("x-limit", "0")]
    status, answer = await ask(handler, headers=headers, cookies={"session": "secret"})
    assert status == 400
    assert problems(answer) == [
        ("header", "x-tenant", "it is missing"),
        (
            "cookie",
            "session",
            "input should be a valid integer, unable to parse string as an integer",
        ),
        ("header", "x-size", "it is given 2 times"),
        ("header", "x-limit", "input should be greater than 0"),
    ]
    assert "secret" not in str(answer)


async def takes_form(
    name: Annotated[str, Form()],
    numbers: Annotated[list[int], Form("n")],
    size: Annotated[Size, Form()] = Size.SMALL,
):
    return [name, numbers, size.name]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("is_multipart", [True, False])
async def test_fields_of_a_form_are_converted(ask, method, is_multipart):
    form = FormData(default_to_multipart=is_multipart)
    for name, value in (("name", "é & co"), ("n", "1"), ("n", "2")):
        form.add_field(name, value)
    assert await ask(takes_form, method, data=form) == (200, ["é & co", [1, 2], "SMALL"])


async def test_files_come_with_their_names(ask):
    async def handler(
        upload: UploadedFile,
        others: list[UploadedFile],
        none: Annotated[UploadedFile | None, Form()] = None,
        title: Annotated[str, Form()] = "",
    ):
        content = await upload.read()
        assert upload.file.seek(0) == 0
        assert upload.file.read() == content
        rest = [[each.filename, (await each.read()).decode()] for each in others]
        return [upload.filename, upload.content_type, len(content), rest, none, title]

    form = FormData()
    form.add_field("upload", b"x" * 200_000, filename="a.bin", content_type="image/png")
    form.add_field("others", b"1", filename="1.txt")
    form.add_field("others", b"2", filename="2.txt")
    form.add_field("title", "t")
    expected = ["a.bin", "image/png", 200_000, [["1.txt", "1"], ["2.txt", "2"]], None, "t"]
    assert await ask(handler, "POST", data=form) == (200, expected)


async def takes_both(upload: UploadedFile, name: Annotated[str, Form()]): ...


async def test_a_form_that_does_not_fit_is_422_with_all_that_is_wrong(ask):
    form = FormData()
    form.add_field("upload", "text")
    form.add_field("name", b"bytes", filename="name.txt")
    status, answer = await ask(takes_both, "POST", data=form)
    assert (status, answer["error"]) == (422, "the form does not fit")
    assert problems(answer) == [
        ("form", "upload", "it is text, and should be a file"),
        ("form", "name", "it is a file, and should be text"),
    ]


async def test_a_field_that_is_missing_is_said(ask):
    status, answer = await ask(takes_form, "POST", data={"n": "x"})
    assert status == 422
    assert [each[:2] for each in problems(answer)] == [("form", "name"), ("form", "n.0")]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("text/plain", b"name=x", 415),
        (f"{FORM}; charset=nothing", b"name=x", 400),
        (FORM, b"name=\xff\xfe", 400),
        ("multipart/form-data", b"no boundary", 400),
        ("multipart/form-data; boundary=b", b"--b\r\nno header\r\n\r\nx\r\n", 400),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nno name\r\n--b--\r\n", 400),
        (FORM, b"name=" + b"x" * 2_000_000, 413),
        ("multipart/form-data; boundary=b", b"x" * 2_000_000, 413),
    ],
)
async def test_a_body_that_is_no_form_is_refused(ask, logs, content_type, body, status):
    headers = {"Content-Type": content_type}
    answered, answer = await ask(takes_form, "POST", data=BytesIO(body), headers=headers)
    assert answered == status
    assert "error" in answer
    assert not [record for record in logs.records if record.levelname == "ERROR"]


async def test_the_limit_is_that_of_what_comes_out(ask, monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_HTTP_BODY_LIMIT", "1000")
    headers = {"Content-Type": FORM, "Content-Encoding": "gzip"}
    body = gzip.compress(b"name=" + b"x" * 100_000)
    status, _ = await ask(takes_form, "POST", data=body, headers=headers)
    assert status == 413


async def test_a_form_of_too_many_fields_is_refused_as_that(ask):
    headers = {"Content-Type": FORM}
    status, answer = await ask(takes_form, "POST", data="n=1&" * 5000, headers=headers)
    assert status == 413
    assert answer["error"].endswith(" bytes, or its form has too many fields")


@settings(deadline=None)
@given(texts=st.dictionaries(st.text(max_size=5), st.lists(st.text(max_size=5), min_size=1)))
async def test_whatever_a_form_holds_is_answered(texts):
    app = App()

    @app.http.post("/")
    async def handler(name: Annotated[list[str], Form("é")] = []):  # noqa: B006
        return name

    body = urlencode({"é": ["&=", "\0"]} | texts, doseq=True, errors="replace")
    async with asyncio.timeout(30), app.started(), ClientSession(app.http.url) as client:
        headers = {"Content-Type": FORM}
        async with client.post("/", data=body, headers=headers) as response:
            assert response.status == 200
            assert await response.json() == parse_qs(body, keep_blank_values=True)["é"]


async def form_of_get(name: Annotated[str, Form()]): ...
async def file_of_get(upload: UploadedFile): ...
async def form_and_body(name: Annotated[str, Form()], order: dict): ...
async def header_document(order: Annotated[dict, Header()]): ...
async def header_class(name: Annotated[str, Header]): ...


@pytest.mark.parametrize(
    ("handler", "method", "reason"),
    [
        (
            form_of_get,
            "GET",
            "parameter 'name' can never be filled as str: a GET request has no form",
        ),
        (file_of_get, "GET", "can never be filled as UploadedFile: a GET request has no form"),
        (form_and_body, "POST", "name and order would both be the body: put them into one model"),
        (
            header_document,
            "GET",
            "can never be filled as dict: a header is text, or a list of texts",
        ),
        (header_class, "GET", "parameter 'name': write Header(), not Header"),
    ],
)
def test_what_can_never_be_filled_is_said_at_once(app, handler, method, reason):
    with pytest.raises(ConfigurationError) as caught:
        app.route(["/"], type="http", methods=[method])(handler)
    assert reason in str(caught.value)


async def test_the_app_and_its_resources_are_filled(app, serving):
    from collections.abc import AsyncIterator

    class Database: ...

    @app.resource
    async def database() -> AsyncIterator[Database]:
        yield Database()

    @app.http.get("/{id}")
    async def handler(id: int, database: Database, app: App):
        return [id, database is app[Database]]

    async with serving(app) as client, client.get("/5") as response:
        assert await response.json() == [5, True]
