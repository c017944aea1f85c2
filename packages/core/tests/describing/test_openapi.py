"""What is asked by HTTP and answered, as a document of OpenAPI."""

from dataclasses import dataclass

from asyncworker.describing.about import About
from asyncworker.describing.openapi import openapi
from asyncworker.description import Answer, Body, Description, Endpoint, Field

JSON = "application/json"


@dataclass
class Order:
    product: str


async def add(order):
    """Add an order."""


def told(*endpoints):
    return openapi(Description(endpoints=endpoints), About("shop", "1"))


def test_an_endpoint_is_a_method_of_a_path():
    endpoint = Endpoint(
        method="POST",
        path="/orders/{kind}",
        handler=add,
        parameters=(
            Field(name="kind", type=str, place="path"),
            Field(name="dry", type=bool | None, place="query", is_required=False),
        ),
        body=Body(content_types=(JSON,), type=Order),
        answers=(
            Answer(status=201, about="Created", content_type=JSON, type=Order),
            Answer(about="Anything."),
        ),
    )
    document = told(endpoint)
    order = {"schema": {"$ref": "#/components/schemas/Order"}}
    assert document["paths"]["/orders/{kind}"]["post"] == {
        "operationId": "add",
        "summary": "Add an order.",
        "parameters": [
            {"name": "kind", "in": "path", "required": True, "schema": {"type": "string"}},
            {"name": "dry", "in": "query", "schema": {"type": "boolean"}},
        ],
        "requestBody": {"content": {JSON: order}, "required": True},
        "responses": {
            "201": {"description": "Created", "content": {JSON: order}},
            "default": {"description": "Anything."},
        },
    }


def test_a_form_is_an_object_of_its_fields():
    fields = (
        Field(name="title", type=str, place="form"),
        Field(name="tags", type=list[str], place="form"),
        Field(name="more", type=list[str], place="form", is_required=False),
    )
    form = Body(content_types=("application/x-www-form-urlencoded",), fields=fields)
    document = told(Endpoint(method="POST", path="/", handler=add, body=form))
    content = document["paths"]["/"]["post"]["requestBody"]["content"]
    texts = {"type": "array", "items": {"type": "string"}}
    assert content["application/x-www-form-urlencoded"]["schema"] == {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "tags": {**texts, "minItems": 1},
            "more": texts,
        },
        "required": ["title", "tags"],
    }


def test_a_handler_of_several_paths_has_a_name_for_each():
    document = told(*(Endpoint(method="GET", path=path, handler=add) for path in ("/a", "/b")))
    names = [methods["get"]["operationId"] for methods in document["paths"].values()]
    assert names[0] == "add"
    assert names[1].startswith("add-")


def test_an_app_without_paths_has_none():
    assert told() == {"openapi": "3.1.0", "info": {"title": "shop", "version": "1"}, "paths": {}}
