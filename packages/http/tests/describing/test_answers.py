"""What a handler answers, by what it says that it returns or yields."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypedDict

import pytest
from aiohttp import web
from pydantic import BaseModel

from asyncworker.describing.documents import document
from asyncworker.http import SSEEvent

JSON = "application/json"
TEXT = "text/plain"


class Order(BaseModel):
    product: str


@dataclass
class Invoice:
    cents: int


class Row(TypedDict):
    id: int


class Own:
    pass


ORDER = {"$ref": "#/components/schemas/Order"}
INVOICE = {"$ref": "#/components/schemas/Invoice"}
COUNTS = {"type": "object", "additionalProperties": {"type": "integer"}}
NUMBERS = {"type": "array", "items": {"type": "integer"}}
ANY = {"default": {}}


def answers(app, handler):
    app.http.get("/")(handler)
    responses = document(app, "openapi")["paths"]["/"]["get"]["responses"]
    return {
        status: {kind: media.get("schema", {}) for kind, media in one.get("content", {}).items()}
        for status, one in responses.items()
        if status != "500"
    }


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (Order, {"200": {JSON: ORDER}}),
        (Order | None, {"200": {JSON: ORDER}, "204": {}}),
        (
            Order | Invoice,
            {"200": {JSON: {"anyOf": [ORDER, {"$ref": "#/components/schemas/Invoice"}]}}},
        ),
        (list[int], {"200": {JSON: NUMBERS}}),
        (
            dict[str, int],
            {"200": {JSON: {"type": "object", "additionalProperties": {"type": "integer"}}}},
        ),
        (str, {"200": {TEXT: {"type": "string"}}}),
        (Literal["a", "b"], {"200": {TEXT: {"enum": ["a", "b"], "type": "string"}}}),
        (bytes, {"200": {"application/octet-stream": {}}}),
        (None, {"204": {}}),
        (tuple[Order, Literal[201]], {"201": {JSON: ORDER}}),
        (tuple[Order, Literal[HTTPStatus.CREATED]], {"201": {JSON: ORDER}}),
        (
            tuple[str | None, Literal[200, 202], dict],
            {
                "200": {TEXT: {"type": "string"}},
                "202": {TEXT: {"type": "string"}},
            },
        ),
        (tuple[Order, int], {"default": {JSON: ORDER}}),
        (Order | web.HTTPNotFound, {"200": {JSON: ORDER}, "404": {}}),
        (Annotated[Order, "x"], {"200": {JSON: ORDER}}),
        (web.Response, ANY),
        (Any, ANY),
        (Own, ANY),
        ("Missing", ANY),
    ],
)
def test_what_is_returned_is_the_answer(app, returned, expected):
    async def handler(): ...

    handler.__annotations__["return"] = returned
    assert answers(app, handler) == expected


def test_a_typed_dict_is_json(app):
    async def handler() -> Row: ...

    assert list(answers(app, handler)["200"]) == [JSON]


def test_a_handler_that_says_nothing_may_answer_anything(app):
    async def handler(): ...

    assert answers(app, handler) == ANY


@pytest.mark.parametrize(
    ("yielded", "kinds"),
    [
        (AsyncIterator[str], [TEXT]),
        (AsyncIterator[bytes], ["application/octet-stream"]),
        (AsyncIterator[SSEEvent], ["text/event-stream"]),
        (AsyncIterator[str | bytes], [TEXT, "application/octet-stream"]),
        (AsyncIterator[Any], []),
        (Any, []),
    ],
)
def test_what_is_yielded_is_a_stream(app, yielded, kinds):
    async def handler():
        yield ""

    handler.__annotations__["return"] = yielded
    assert list(answers(app, handler)["200"]) == kinds


def test_a_plain_function_says_as_much(app):
    def handler() -> Order: ...

    assert answers(app, handler) == {"200": {JSON: ORDER}}


def test_types_of_a_function_are_known(app):
    @dataclass
    class Local:
        id: int

    async def handler() -> Local: ...

    assert answers(app, handler) == {"200": {JSON: {"$ref": "#/components/schemas/Local"}}}
