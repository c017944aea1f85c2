"""JSON bodies, as parameters."""

import gzip
import json
from dataclasses import dataclass, field
from typing import Literal

import pydantic
import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from asyncworker.errors import ConfigurationError
from asyncworker.http.refusal import problems_of

JSON = {"Content-Type": "application/json"}


class Item(BaseModel):
    name: str
    price: float = Field(gt=0)


class Cart(BaseModel):
    items: list[Item]


@dataclass
class Order:
    id: int
    items: list[Item] = field(default_factory=list)


class Row(TypedDict):
    id: int


@pytest.fixture
def post(app, serving):
    """Send a body to a handler; return the status and the JSON of the answer."""

    async def post(handler, body=None, method="POST", path="/", headers=JSON, **more):
        app.route([path], type="http", methods=[method])(handler)
        async with (
            serving(app) as client,
            client.request(method, path, data=body, headers=headers, **more) as response,
        ):
            text = await response.text()
            return response.status, json.loads(text) if text else None

    return post


@pytest.mark.parametrize(
    ("annotation", "body", "value"),
    [
        (Item, {"name": "x", "price": 1}, Item(name="x", price=1)),
        (Order, {"id": "1"}, Order(id=1)),
        (
            Order,
            {"id": 1, "items": [{"name": "x", "price": 1}]},
            Order(1, [Item(name="x", price=1)]),
        ),
        (dict, {"any": [1, None]}, {"any": [1, None]}),
        (dict[str, int], {"a": "1"}, {"a": 1}),
        (list, [1, "a", None], [1, "a", None]),
        (list[int], [1, 2], [1, 2]),
        (list[Item], [{"name": "x", "price": 1}], [Item(name="x", price=1)]),
        (Row, {"id": 1}, {"id": 1}),
        (Item | None, None, None),
        (dict | list, [1], [1]),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_a_document_becomes_what_its_annotation_says(post, method, annotation, body, value):
    taken = []

    async def handler(document: annotation):
        taken.append(document)

    status, _ = await post(handler, json.dumps(body), method)
    assert (status, taken) == (204, [value])


async def test_a_body_mixes_with_other_parameters_in_any_order(app, serving):
    @app.http.put("/{id}")
    async def handler(item: Item, id: int, request, *, order: int = 0):
        return [item.name, id, request.method, order, (await request.json())["price"]]

    body = {"name": "x", "price": 2}
    async with serving(app) as client, client.put("/5?order=3", json=body) as response:
        assert await response.json() == ["x", 5, "PUT", 3, 2]


async def test_delete_may_have_a_body(post):
    async def handler(row: Row):
        return row

    assert await post(handler, b'{"id": 1}', "DELETE") == (200, {"id": 1})


async def test_a_list_of_values_is_the_query_of_a_delete(app, serving):
    @app.http.delete("/")
    async def handler(ids: list[int]):
        return ids

    async with serving(app) as client, client.delete("/?ids=1&ids=2") as response:
        assert await response.json() == [1, 2]


@pytest.mark.parametrize(
    ("annotation", "body", "problems"),
    [
        (Item, {"name": "x", "price": 0}, [("price", "input should be greater than 0")]),
        (
            Cart,
            {"items": [{"name": "x", "price": 1}, {"name": 1}]},
            [
                ("items.1.name", "input should be a valid string"),
                ("items.1.price", "field required"),
            ],
        ),
        (Order, {"id": None}, [("id", "input should be a valid integer")]),
        (Row, {}, [("id", "field required")]),
        (dict, [], [("", "input should be an object")]),
        (list[int], {}, [("", "input should be a valid array")]),
        (dict, None, [("", "input should be an object")]),
    ],
)
async def test_json_that_does_not_fit_is_422_with_paths_and_reasons(
    post, annotation, body, problems
):
    async def handler(document: annotation): ...

    status, answer = await post(handler, json.dumps(body))
    assert status == 422
    assert answer["error"] == "the body does not fit"
    assert [(each["in"], each["field"], each["reason"]) for each in answer["problems"]] == [
        ("body", *problem) for problem in problems
    ]


class Strict(BaseModel, extra="forbid"):
    a: int = 1


class Node(BaseModel):
    type: Literal["node"]
    children: list["Node"] = []


fails_fast = pytest.mark.skipif(
    tuple(map(int, pydantic.VERSION.split(".")[:2])) < (2, 13),
    reason="an older pydantic does not leave every list at its first item that does not fit",
)


@fails_fast
@pytest.mark.parametrize(
    ("annotation", "begin", "repeated", "end"),
    [
        (list[Item], "[", "{}", "]"),
        (Cart, '{"items": [', "{}", "]}"),
        (Order, '{"id": 1, "items": [', "{}", "]}"),
        (Node, '{"type": "node", "children": [', "{}", "]}"),
        (set[int] | None, "[", '""', "]"),
        (list[Cart | Item], "[", "{}", "]"),
        (list[int], "[", '""', "]"),
        (dict[str, Item] | list[Item], "[", "{}", "]"),
    ],
)
async def test_very_many_problems_take_neither_time_nor_a_large_answer(
    post, found, annotation, begin, repeated, end
):
    async def handler(document: annotation): ...

    count = 1_000_000 // (len(repeated) + 1)
    status, answer = await post(handler, begin + ",".join([repeated] * count) + end)
    assert status == 422
    assert 1 <= len(answer["problems"]) <= 20
    assert 0 < sum(found) < 100


@pytest.fixture
def found(monkeypatch):
    """Note how many problems pydantic found in each body."""
    counts = []

    def noting(error, *rest, **options):
        counts.append(error.error_count())
        return problems_of(error, *rest, **options)

    monkeypatch.setattr("asyncworker.http.parameters.body.problems_of", noting)
    return counts


@pytest.mark.parametrize("count", [20, 21, 1000])
async def test_the_first_problems_are_told_and_how_many_there_are(post, count):
    async def handler(document: list[int]): ...

    _, answer = await post(handler, json.dumps(["x"] * count))
    assert [each["field"] for each in answer["problems"]] == list(map(str, range(20)))
    assert answer.get("count") == (None if count == 20 else count)


async def test_as_many_problems_of_a_query_are_told(app, serving):
    @app.http.get("/")
    async def handler(ids: list[int]): ...

    async with serving(app) as client, client.get("/?" + "ids=x&" * 100) as response:
        answer = await response.json()
    assert (len(answer["problems"]), answer["count"]) == (20, 100)


@fails_fast
async def test_a_large_body_is_told_the_first_item_of_a_list_that_does_not_fit(post):
    async def handler(document: Cart): ...

    good = {"name": "x", "price": 1}
    status, answer = await post(handler, json.dumps({"items": [good] * 1000 + [{}] * 1000}))
    assert (status, [each["field"] for each in answer["problems"]]) == (
        422,
        ["items.1000.name", "items.1000.price"],
    )


async def test_a_large_body_that_fits_is_what_its_annotation_says(post):
    async def handler(document: Node):
        return [len(document.children)]

    nodes = [{"type": "node"}] * 1000
    body = json.dumps({"type": "node", "children": nodes})
    assert await post(handler, body) == (200, [1000])


async def test_keys_that_do_not_belong_are_counted_when_they_are_too_many(post):
    async def handler(document: Strict): ...

    _, answer = await post(handler, json.dumps({str(number): 1 for number in range(50_000)}))
    assert answer["problems"] == [{"in": "body", "field": "", "reason": "it has 50000 problems"}]


async def test_a_long_key_is_told_in_part(post):
    async def handler(document: Strict): ...

    _, answer = await post(handler, json.dumps({"x" * 900_000: 1}))
    [problem] = answer["problems"]
    assert problem["field"] == "x" * 500 + "..."


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b'"\xff"', b"{} {}", b"{'a': 1}", b"nothing", b"[" * 100_000, b" "]
)
async def test_a_body_that_is_no_json_is_400(post, logs, body):
    async def handler(document: dict): ...

    status, answer = await post(handler, body)
    assert status == 400
    assert answer["problems"][0]["reason"].startswith("invalid JSON: ")
    assert logs.errors == []


async def test_a_missing_body_is_400(post):
    async def handler(document: dict): ...

    missing = {"in": "body", "field": "", "reason": "it is missing"}
    for headers in (JSON, {}):
        status, answer = await post(handler, None, path=f"/{len(headers)}", headers=headers)
        assert (status, answer["problems"]) == (400, [missing])


async def test_a_missing_body_is_the_default_where_there_is_one(post):
    async def handler(document: dict | None = None):
        return {"document": document}

    assert await post(handler, None) == (200, {"document": None})


async def test_a_get_leaves_a_body_at_its_default(app, serving):
    @app.route(["/"], type="http", methods=["GET", "POST"])
    async def handler(document: dict | None = None):
        return {"document": document}

    async with serving(app) as client:
        async with client.get("/", json={"a": 1}) as response:
            assert await response.json() == {"document": None}
        async with client.post("/", json={"a": 1}) as response:
            assert await response.json() == {"document": {"a": 1}}


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json"]
)
async def test_a_content_type_that_is_not_json_is_415(post, content_type):
    """A page in a browser may send these anywhere unasked, and must not reach a local worker."""

    async def handler(document: dict): ...

    status, answer = await post(handler, b"{}", headers={"Content-Type": content_type})
    assert status == 415
    assert answer["error"].endswith(": send it as 'application/json'")


async def test_a_body_without_content_type_is_415(app, connect):
    @app.http.post("/")
    async def handler(document: dict): ...

    async with app.started():
        wire = await connect(app)
        wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        assert " 415 " in await wire.head()


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json"],
)
async def test_every_content_type_of_json_is_taken(post, content_type):
    async def handler(document: dict): ...

    status, _ = await post(handler, b"{}", headers={"Content-Type": content_type})
    assert status == 204


async def test_a_compressed_body_is_decompressed(post):
    async def handler(document: list):
        return document

    headers = {**JSON, "Content-Encoding": "gzip"}
    assert await post(handler, gzip.compress(b"[1]"), headers=headers) == (200, [1])


@pytest.mark.parametrize("chunked", [None, True])
async def test_a_body_over_the_limit_is_413(monkeypatch, post, chunked):
    monkeypatch.setenv("ASYNCWORKER_HTTP_BODY_LIMIT", "1000")

    async def handler(document: list): ...

    body = json.dumps(["x" * 1000])
    status, answer = await post(handler, body, chunked=chunked)
    assert (status, answer) == (413, {"error": "the body is larger than 1000 bytes"})


async def test_the_limit_is_that_of_the_decompressed_body(monkeypatch, post):
    monkeypatch.setenv("ASYNCWORKER_HTTP_BODY_LIMIT", "100000")

    async def handler(document: list): ...

    bomb = gzip.compress(b" " * 10_000_000)
    status, _ = await post(handler, bomb, headers={**JSON, "Content-Encoding": "gzip"})
    assert status == 413


async def test_a_body_within_the_limit_is_taken(monkeypatch, post):
    monkeypatch.setenv("ASYNCWORKER_HTTP_BODY_LIMIT", "1000")

    async def handler(document: list): ...

    body = json.dumps(["x" * 996])
    assert len(body) == 1000
    assert (await post(handler, body))[0] == 204


async def test_the_limit_holds_for_handlers_that_read_the_request_too(monkeypatch, app, serving):
    monkeypatch.setenv("ASYNCWORKER_HTTP_BODY_LIMIT", "1000")

    @app.http.post("/")
    async def handler(request):
        return await request.read()

    async with serving(app) as client:
        for size, status in ((1000, 200), (1001, 413)):
            async with client.post("/", data=b"x" * size) as response:
                assert response.status == status


async def test_a_body_that_is_not_encoded_as_it_says_is_400(post, logs):
    async def handler(document: list): ...

    status, answer = await post(handler, b"no gzip", headers={**JSON, "Content-Encoding": "gzip"})
    assert status == 400
    assert answer["problems"][0]["reason"] == "it is broken, or ends too early"
    assert logs.errors == []


async def test_a_client_that_leaves_amid_its_body_is_no_error(app, connect, logs):
    @app.http.post("/")
    async def handler(document: dict): ...

    async with app.started():
        wire = await connect(app)
        await wire.announce(100)
        wire.send(b"{")
        wire.writer.close()
        await wire.writer.wait_closed()
    assert logs.errors == []


def test_two_documents_in_one_handler_are_an_error(app):
    with pytest.raises(ConfigurationError, match="item and order would both be the body"):

        @app.http.post("/")
        async def handler(item: Item, order: Order): ...
