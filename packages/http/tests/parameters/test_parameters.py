"""What a handler's parameters are filled with, from the path, the query and the app."""

import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from functools import partial, wraps
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from aiohttp import web
from pydantic import BaseModel, Field

from asyncworker import App
from asyncworker.errors import ConfigurationError


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Rank(Enum):
    FIRST = 1
    LAST = "last"


class Item(BaseModel):
    name: str


@dataclass
class Order:
    id: int


@pytest.fixture
def answer(app, serving):
    """Declare a handler on a path, and return the status and the JSON for a request's URL."""

    async def answer(handler, path, url, method="GET"):
        app.http.get(path)(handler)
        async with serving(app) as client, client.request(method, url) as response:
            return response.status, await response.json()

    return answer


async def test_no_parameter_is_needed(answer):
    async def handler():
        return {}

    assert await answer(handler, "/", "/") == (200, {})


@pytest.mark.parametrize("annotation", [web.Request, web.BaseRequest])
async def test_an_annotated_request_may_have_any_name_and_place(answer, annotation):
    async def handler(id: int, this: annotation):
        return [id, this.path]

    assert await answer(handler, "/{id}", "/5") == (200, [5, "/5"])


async def test_a_first_parameter_that_says_nothing_is_the_request(answer):
    async def handler(whatever):
        return [whatever.path]

    assert await answer(handler, "/x", "/x") == (200, ["/x"])


async def test_a_parameter_called_request_is_the_request_wherever_it_is(answer):
    async def handler(id: int, request):
        return [id, request.path]

    assert await answer(handler, "/{id}", "/5") == (200, [5, "/5"])


async def test_a_name_of_the_path_goes_before_that(answer):
    async def handler(request):
        return [request]

    assert await answer(handler, "/{request}", "/x") == (200, ["x"])


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (int, "-5", -5),
        (float, "1.5", 1.5),
        (str, "a%20b%2Fc", "a b/c"),
        (bool, "true", True),
        (bool, "0", False),
        (
            UUID,
            "12345678-1234-5678-1234-567812345678",
            UUID(int=0x12345678123456781234567812345678),
        ),
        (Colour, "red", Colour.RED),
        (Size, "2", Size.LARGE),
        (Rank, "1", Rank.FIRST),
        (Rank, "last", Rank.LAST),
        (datetime, "2024-02-29T12:00:00Z", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        (date, "2024-02-29", date(2024, 2, 29)),
        (Decimal, "0.1", Decimal("0.1")),
        (Literal["a", 1], "a", "a"),
        (Literal["a", 1], "1", 1),
        (int | None, "3", 3),
        (int | str, "x", "x"),
        (Annotated[int, Field(ge=3)], "3", 3),
        (Annotated[Colour, Field(description="of the car")], "blue", Colour.BLUE),
    ],
)
@pytest.mark.parametrize("place", ["path", "query"])
async def test_a_value_becomes_what_its_annotation_says(
    app, serving, annotation, text, value, place
):
    taken = []

    async def handler(value: annotation):
        taken.append(value)

    app.http.get("/{value}" if place == "path" else "/")(handler)
    url = f"/{text}" if place == "path" else f"/?value={text}"
    from yarl import URL

    async with serving(app) as client, client.get(URL(url, encoded=True)) as response:
        assert response.status == 204, await response.text()
    assert taken == [value]
    assert type(taken[0]) is type(value)


@pytest.mark.parametrize(
    ("annotation", "text", "reason"),
    [
        (int, "x", "input should be a valid integer, unable to parse string as an integer"),
        (bool, "perhaps", "input should be a valid boolean, unable to interpret input"),
        (Colour, "green", "input should be 'red' or 'blue'"),
        (Rank, "2", "input should be 1 or 'last'"),
        (Annotated[int, Field(ge=3)], "2", "input should be greater than or equal to 3"),
    ],
)
@pytest.mark.parametrize("place", ["path", "query"])
async def test_a_value_that_does_not_fit_is_400_with_field_and_reason(
    answer, annotation, text, reason, place
):
    async def handler(value: annotation): ...

    path, url = ("/{value}", f"/{text}") if place == "path" else ("/", f"/?value={text}")
    assert await answer(handler, path, url) == (
        400,
        {
            "error": "the request does not fit",
            "problems": [{"in": place, "field": "value", "reason": reason}],
        },
    )


async def test_every_problem_of_a_request_is_named(answer):
    async def handler(id: int, page: int, request, fine: int, size=10, tags: list[int] = ()): ...

    status, body = await answer(handler, "/{id}", "/x?size=big&tags=1&tags=two&fine=1")
    assert status == 400
    fields = [(problem["in"], problem["field"]) for problem in body["problems"]]
    assert fields == [("path", "id"), ("query", "page"), ("query", "size"), ("query", "tags.1")]


async def test_the_value_itself_is_not_repeated_to_anyone(answer, logs):
    async def handler(token: int): ...

    status, body = await answer(handler, "/", "/?token=secret")
    assert status == 400
    assert "secret" not in str(body)
    assert logs.errors == []


async def test_a_query_parameter_without_default_must_be_given(answer):
    async def handler(page: int): ...

    status, body = await answer(handler, "/", "/")
    assert status == 400
    assert body["problems"] == [{"in": "query", "field": "page", "reason": "it is missing"}]


async def test_a_query_parameter_has_its_default_when_it_is_not_given(answer):
    async def handler(page: int = 1, sort: Colour | None = None, size=20, q=None):
        return [page, sort, size, q]

    assert await answer(handler, "/", "/") == (200, [1, None, 20, None])


async def test_a_parameter_without_annotation_takes_text_or_the_type_of_its_default(answer):
    async def handler(request, q, size=20, exact=False, sort=None):
        return [q, size, exact, sort]

    url = "/?q=1&size=2&exact=yes&sort=3"
    assert await answer(handler, "/", url) == (200, ["1", 2, True, "3"])


async def test_one_value_given_twice_is_400(answer):
    async def handler(page: int): ...

    status, body = await answer(handler, "/", "/?page=1&page=2")
    assert status == 400
    assert body["problems"][0]["reason"] == "it is given 2 times"


@pytest.mark.parametrize(
    ("annotation", "value"),
    [(list[int], [1, 2]), (tuple[str, ...], ["1", "2"]), (list[Rank], None), (list[Size], [1, 2])],
)
async def test_a_list_takes_every_value_of_its_name(answer, annotation, value):
    async def handler(tags: annotation):
        return {"tags": tags}

    status, body = await answer(handler, "/", "/?tags=1&tags=2")
    assert (status, body.get("tags")) == (200 if value else 400, value)


async def test_a_list_without_default_must_be_given(answer):
    async def handler(tags: list[int]): ...

    assert (await answer(handler, "/", "/"))[0] == 400


async def test_an_app_is_given_to_those_who_ask(app, answer):
    app["name"] = "it"

    async def handler(id: int, application: App):
        return [id, application["name"]]

    assert await answer(handler, "/{id}", "/5") == (200, [5, "it"])


async def test_kinds_of_parameters_mix_in_any_order(answer):
    async def handler(page: int, app: App, id: int, /, r: web.Request, *, q: str = "-", last: bool):
        return [page, type(app).__name__, id, r.method, q, last]

    status, body = await answer(handler, "/{id}", "/7?page=2&last=1")
    assert (status, body) == (200, [2, "App", 7, "GET", "-", True])


async def test_a_name_that_only_one_of_the_paths_has_is_a_query_parameter_in_the_other(
    app, serving
):
    @app.http.get(["/", "/{page}"])
    async def show(page: int = 1):
        return {"page": page}

    async with serving(app) as client:
        for url, page in (("/", 1), ("/?page=2", 2), ("/3", 3)):
            async with client.get(url) as response:
                assert await response.json() == {"page": page}


async def test_a_decorated_handler_keeps_its_parameters(answer):
    def decorate(handler):
        @wraps(handler)
        async def wrapper(*args, **kwargs):
            return await handler(*args, **kwargs)

        return wrapper

    @decorate
    async def handler(id: int):
        return [id]

    assert await answer(handler, "/{id}", "/5") == (200, [5])


async def test_arguments_that_take_anything_are_given_nothing(answer):
    async def handler(*args, **kwargs):
        return [args, kwargs]

    assert await answer(handler, "/{id}", "/5?page=1") == (200, [[], {}])


async def test_a_client_cannot_replace_what_a_partial_holds(answer):
    async def handler(id: int, admin: bool):
        return [id, admin]

    url = "/5?admin=true"
    assert await answer(partial(handler, admin=False), "/{id}", url) == (200, [5, False])


async def test_an_object_may_be_a_handler(answer):
    class Handler:
        async def __call__(self, id: "int"):
            return [id]

    assert await answer(Handler(), "/{id}", "/5") == (200, [5])


async def test_a_method_may_be_a_handler(answer):
    class Resource:
        async def show(self, id: "int"):
            return [id]

    assert await answer(Resource().show, "/{id}", "/5") == (200, [5])


async def test_annotations_may_be_text_that_names_what_is_local(answer, app, serving):
    class Local(Enum):
        ONE = "one"

    @app.http.get("/{which}")
    async def handler(which: "Local", request: "web.Request") -> "NameForTypeCheckersAlone":  # noqa: F821
        return [which is Local.ONE, request.path]

    async with serving(app) as client, client.get("/one") as response:
        assert await response.json() == [True, "/one"]


def test_text_that_names_nothing_is_an_error(app):
    with pytest.raises(ConfigurationError) as caught:

        @app.http.get("/")
        async def handler(which: "Missing"): ...  # noqa: F821

    assert "handler: an annotation cannot be evaluated: name 'Missing' is not" in str(caught.value)


class Unknown:
    """A type that no request holds."""


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        (
            Unknown,
            (
                "parameter 'value' can never be filled as Unknown: it is no type of data, and no "
                "resource declared before provides it"
            ),
        ),
        (Unknown | None, "it is no type of data"),
        (Any, "it is neither one value nor a document"),
        (int | dict, "it is neither one value nor a document"),
        (None, "it is neither one value nor a document"),
        (Item, "as Item: a GET request has no body"),
        (Order, "as Order: a GET request has no body"),
        (dict[str, int], "as dict[str, int]: a GET request has no body"),
        (list, "a GET request has no body"),
        (list[Item], "a GET request has no body"),
        (web.Response, "it is no type of data"),
    ],
)
def test_an_annotation_that_can_never_be_filled_is_an_error(app, annotation, reason):
    with pytest.raises(ConfigurationError) as caught:

        @app.http.get("/")
        async def handler(request, value: annotation): ...

    assert reason.lower() in str(caught.value).lower()


@pytest.mark.parametrize("annotation", [Item, list[int], dict])
def test_a_part_of_the_path_is_one_value(app, annotation):
    with pytest.raises(ConfigurationError, match="a part of the path is one value"):

        @app.http.post("/{value}")
        async def handler(value: annotation): ...


def test_a_default_does_not_excuse_an_annotation_that_can_never_be_filled(app):
    with pytest.raises(ConfigurationError, match="can never be filled as Unknown"):

        @app.http.get("/")
        async def handler(value: Unknown = None): ...


async def test_nothing_is_introspected_once_the_app_runs(app, serving, monkeypatch):
    import inspect

    @app.http.get("/{id}")
    async def handler(request, id: int, page: int = 1):
        return [id, page]

    def fail(*_args, **_kwargs):
        pytest.fail("it was introspected")

    async with serving(app) as client:
        with monkeypatch.context() as patch:
            patch.setattr(inspect, "signature", fail)
            patch.setattr("typing.get_type_hints", fail)
            patch.setattr("pydantic.TypeAdapter.__init__", fail)
            async with client.get("/5") as response:
                assert await response.json() == [5, 1]


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated at once")
async def test_what_is_returned_may_be_annotated_for_type_checkers_alone(app, serving):
    @app.http.get("/{id}")
    async def handler(id: int) -> Unknown:
        return [id]

    async with serving(app) as client, client.get("/1") as response:
        assert await response.json() == [1]
