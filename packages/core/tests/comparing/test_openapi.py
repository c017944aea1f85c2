"""Documents of OpenAPI, before and after."""

from dataclasses import dataclass

import pytest

from asyncworker.comparing.documents import compared
from asyncworker.describing.about import About
from asyncworker.describing.openapi import openapi
from asyncworker.description import Answer, Body, Description, Endpoint, Field

JSON = "application/json"
TEXT = {"type": "string"}


@dataclass
class Order:
    product: str
    note: str = ""


@dataclass
class Less:
    product: str


async def handler(): ...


def endpoint(method="POST", path="/orders", **parts):
    return Endpoint(method=method, path=path, handler=handler, **parts)


def query(name, declared=str, **more):
    return (Field(name=name, type=declared, place="query", **more),)


def body(declared, content_type=JSON, **more):
    return Body(content_types=(content_type,), type=declared, **more)


def answer(declared=object, status=200, content_type=JSON):
    return (Answer(status=status, about="", content_type=content_type, type=declared),)


def changes(old, new):
    before, after = (
        openapi(Description(endpoints=tuple(endpoints)), About("shop", "1"))
        for endpoints in (old, new)
    )
    return [(str(one), one.breaks) for one in compared("openapi", before, after)]


BROKEN = [
    ({}, None, "is gone"),
    ({}, {"parameters": query("dry")}, "query parameter 'dry' is required now"),
    (
        {"parameters": query("dry", is_required=False)},
        {"parameters": query("dry")},
        "query parameter 'dry' is required now",
    ),
    (
        {"parameters": query("n", str)},
        {"parameters": query("n", int)},
        "query parameter 'n' no longer takes string",
    ),
    ({}, {"body": body(Order)}, "a body is required now"),
    (
        {"body": body(Order, is_required=False)},
        {"body": body(Order)},
        "a body is required now",
    ),
    (
        {"body": body(Order)},
        {"body": body(Order, "text/plain")},
        "a body of application/json is no longer taken",
    ),
    (
        {"body": body(list[int])},
        {"body": body(list[str])},
        "body.[] no longer takes integer",
    ),
    ({"answers": answer(status=201)}, {"answers": answer()}, "answer 201 is gone"),
    (
        {"answers": answer()},
        {"answers": answer(content_type="text/plain")},
        "answer 200 is no longer application/json",
    ),
    ({"answers": answer(Order)}, {"answers": answer(Less)}, "answer 200.note is gone"),
]


@pytest.mark.parametrize(("old", "new", "expected"), BROKEN)
def test_what_breaks_is_named(old, new, expected):
    now = [] if new is None else [endpoint(**new)]
    assert (f"POST /orders: {expected}", True) in changes([endpoint(**old)], now)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"parameters": query("dry")}, {"parameters": query("dry", is_required=False)}),
        ({"parameters": query("dry")}, {}),
        ({}, {"parameters": query("dry", is_required=False)}),
        ({"body": body(Order)}, {"body": body(Order | None, is_required=False)}),
        ({"answers": answer(Less)}, {"answers": (*answer(Order), *answer(status=504))}),
    ],
)
def test_what_takes_as_much_passes(old, new):
    assert changes([endpoint(**old)], [endpoint(**new)]) == []


def test_an_error_that_is_no_longer_answered_breaks_nobody():
    old = endpoint(answers=(*answer(), *answer(status=422), *answer(status=None)))
    assert changes([old], [endpoint(answers=answer())]) == [
        ("POST /orders: answer 422 is gone", False),
        ("POST /orders: answer default is gone", False),
    ]


def test_a_parameter_of_a_path_may_be_called_otherwise():
    old, new = (
        endpoint(
            path=f"/orders/{{{name}}}", parameters=(Field(name=name, type=kind, place="path"),)
        )
        for name, kind in (("id", int), ("number", str))
    )
    assert changes([old], [new]) == [
        ("POST /orders/{id}: path parameter 'number' no longer takes integer", True)
    ]


def test_what_is_new_is_told_and_breaks_nobody():
    new = [endpoint(), endpoint("GET")]
    assert changes([endpoint()], new) == [("GET /orders: is new", False)]


def test_a_document_of_another_hand_is_read():
    other = {
        "openapi": "3.0.3",
        "paths": {
            "/orders": {
                "parameters": [{"$ref": "#/components/parameters/dry"}],
                "post": {"responses": {"200": {"$ref": "#/components/responses/fine"}}},
            },
            "/broken": 5,
        },
        "components": {
            "parameters": {"dry": {"in": "query", "name": "dry", "required": True, "schema": TEXT}},
            "responses": {"fine": {"content": {JSON: {"schema": TEXT}}}},
        },
    }
    new = openapi(
        Description(endpoints=(endpoint(answers=answer(int), parameters=query("dry")),)),
        About("shop", "1"),
    )
    found = [one.what for one in compared("openapi", other, new)]
    assert found == ["answer 200 may be integer now"]
