"""What requests are made of, as a document of OpenAPI says it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import pytest
from aiohttp import web
from pydantic import BaseModel, Field

from asyncworker import App, Cookie, Form, Header, Options, UploadedFile
from asyncworker.describing.documents import document

JSON = "application/json"
FILE = {"type": "string", "contentMediaType": "application/octet-stream"}


class Order(BaseModel):
    product: str
    amount: int = Field(gt=0)


class Database:
    pass


def paths(app):
    return document(app, "openapi")["paths"]


def parameters(operation):
    return {
        (one["in"], one["name"]): (one.get("required", False), one["schema"])
        for one in operation["parameters"]
    }


def test_parameters_have_their_places(app):
    @app.http.get("/orders/{kind}/{number}")
    async def get(
        request: web.Request,
        kind: str,
        number: int,
        tenant: Annotated[str, Header("x-tenant")],
        tags: list[str],
        limit: Annotated[int, Field(gt=0)] = 10,
        session: Annotated[str | None, Cookie()] = None,
    ): ...

    text = {"type": "string"}
    operation = paths(app)["/orders/{kind}/{number}"]["get"]
    assert parameters(operation) == {
        ("path", "kind"): (True, {**text, "minLength": 1}),
        ("path", "number"): (True, {"type": "integer"}),
        ("header", "x-tenant"): (True, text),
        ("query", "tags"): (True, {"type": "array", "items": text, "minItems": 1}),
        ("query", "limit"): (False, {"type": "integer", "exclusiveMinimum": 0, "default": 10}),
        ("cookie", "session"): (False, text),
    }
    assert "requestBody" not in operation


def test_a_body_is_json(app):
    @app.http.post("/orders")
    async def add(order: Order): ...

    @app.http.put("/orders")
    async def replace(order: Order | None = None): ...

    methods = paths(app)["/orders"]
    schema = {"$ref": "#/components/schemas/Order"}
    assert methods["post"]["requestBody"] == {
        "content": {JSON: {"schema": schema}},
        "required": True,
    }
    assert "required" not in methods["put"]["requestBody"]


def test_a_form_has_fields_and_files(app):
    @app.http.post("/texts")
    async def texts(title: Annotated[str, Form()], n: Annotated[int, Form()] = 1): ...

    @app.http.post("/files")
    async def files(
        first: UploadedFile, more: list[UploadedFile], last: UploadedFile | None = None
    ): ...

    texts_body = paths(app)["/texts"]["post"]["requestBody"]
    kinds = ["application/x-www-form-urlencoded", "multipart/form-data"]
    assert list(texts_body["content"]) == kinds
    files_body = paths(app)["/files"]["post"]["requestBody"]
    del files_body["content"]["multipart/form-data"]["schema"]["propertyNames"]
    assert files_body["content"] == {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "first": FILE,
                    "more": {"type": "array", "items": FILE, "minItems": 1},
                    "last": FILE,
                },
                "required": ["first", "more"],
            }
        }
    }


@pytest.mark.parametrize(
    ("path", "expected", "schema"),
    [
        (r"/{id:\d{1,4}}/x", "/{id}/x", {"type": "string", "pattern": r"^(?:\d{1,4})$"}),
        ("/files/{id:.*}", "/files/{id}", {"type": "string", "pattern": "^(?:.*)$"}),
        ("/{id}", "/{id}", {"type": "string", "minLength": 1}),
    ],
)
def test_a_path_is_without_its_patterns(app, path, expected, schema):
    async def get(id: str): ...

    app.http.get(path)(get)
    assert list(paths(app)) == [expected]
    assert parameters(paths(app)[expected]["get"]) == {("path", "id"): (True, schema)}


def test_a_parameter_of_the_path_that_no_handler_takes_is_there(app):
    @app.http.get("/orders/{id}")
    async def get(): ...

    assert list(parameters(paths(app)["/orders/{id}"]["get"])) == [("path", "id")]


def test_paths_that_differ_in_names_alone_are_one(app):
    @app.http.get("/orders/{id}")
    async def get(id: int): ...

    @app.http.delete("/orders/{number}")
    async def remove(number: int): ...

    assert list(paths(app)) == ["/orders/{id}"]
    assert list(parameters(paths(app)["/orders/{id}"]["delete"])) == [("path", "id")]


def test_what_the_app_provides_is_no_parameter(app):
    @app.resource
    async def database() -> AsyncIterator[Database]:
        yield Database()

    @app.http.get("/")
    async def get(request, app: App, database: Database, n: int = 1): ...

    assert list(parameters(paths(app)["/"]["get"])) == [("query", "n")]


def test_monitors_and_documents_are_not_told(app):
    app.http.monitor()
    app.http.describe()
    assert paths(app) == {}


def refused(app, path="/", method="get"):
    responses = paths(app)[path][method]["responses"]
    return {
        status: {kind: media["schema"] for kind, media in answer.get("content", {}).items()}
        for status, answer in responses.items()
        if status != "default" and int(status) >= 400
    }


def test_what_is_refused_is_told_in_its_form(app):
    @app.http.get("/{n}", options={Options.TIMEOUT: 3})
    async def get(n: int): ...

    @app.http.post("/")
    async def add(order: Order): ...

    misfit, refusal = (
        {JSON: {"$ref": f"#/components/schemas/{name}"}} for name in ("Misfit", "Refusal")
    )
    assert refused(app, "/{n}") == {
        "400": misfit,
        "404": {"text/plain": {"type": "string"}},
        "500": refusal,
        "504": refusal,
    }
    assert refused(app, "/", "post") == {
        "400": misfit,
        "413": refusal,
        "415": refusal,
        "422": misfit,
        "500": refusal,
    }


def test_what_takes_nothing_refuses_nothing(app):
    @app.http.get("/")
    async def get(): ...

    assert list(refused(app)) == ["500"]


def test_classes_of_the_same_name_as_ours_are_told_apart(app):
    @dataclass
    class Refusal:
        why: str

    @app.http.get("/")
    async def get() -> Refusal: ...

    schemas = document(app, "openapi")["components"]["schemas"]
    assert len([name for name in schemas if "Refusal" in name]) == 2
