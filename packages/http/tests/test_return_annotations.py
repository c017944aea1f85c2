"""What a handler says that it returns: an error where no client could ever be sent it."""

import enum
import sys
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial, wraps
from http import HTTPStatus
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    Never,
    NewType,
    NoReturn,
    Optional,
    Protocol,
    TypeVar,
    Union,
)
from uuid import UUID

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from typing_extensions import TypeAliasType, TypedDict

from asyncworker import App
from asyncworker.errors import ConfigurationError
from asyncworker.http import SSEEvent

T = TypeVar("T")


@dataclass
class Point:
    x: int


class Person(BaseModel):
    name: str


class Box(BaseModel, Generic[T]):
    inside: T


class Movie(TypedDict):
    name: str


class Pair(NamedTuple):
    a: int
    b: int


class Own:
    """What may have a subclass that is a dataclass."""


class Shape(Protocol):
    def area(self) -> int: ...


class Colour(enum.Enum):
    RED = 1


class Word(enum.StrEnum):
    YES = "yes"


class Answer(web.Response):
    pass


UserId = NewType("UserId", int)
Name = NewType("Name", str)
Document = TypeAliasType("Document", "dict[str, Document] | None")
Endless = TypeAliasType("Endless", "Endless | int")
Number = TypeAliasType("Number", int)

GOOD = [
    *(str, bytes, bytearray, memoryview, dict, list, tuple, None, type(None), Point, Person),
    *(Movie, Word, Own, Shape, Answer, web.Response, web.StreamResponse, web.FileResponse),
    *(web.WebSocketResponse, web.HTTPNotFound, Any, object, Never, NoReturn, T, Name, Document),
    *(Endless, Iterable, Mapping, Sequence, Mapping[str, int], Sequence[int], Box[int], Box[T]),
    *(
        dict[str, int],
        list[int],
        list[Point],
        Annotated[str, "x"],
        Literal["yes"],
        Literal[1] | None,
    ),
    *(Optional[int], int | None, Union[int, str], int | Any, list[str] | int, Optional[T]),  # noqa: UP007, UP045 (both forms)
    *("Unknown", "list[Unknown]", "str", "no type at all", "1 +", AsyncIterator[str]),
    *(tuple[str, int], tuple[Point, int, dict], tuple[dict, HTTPStatus], tuple[None, Literal[202]]),
    *(tuple[Any, Any], tuple[T, T], tuple[str, ...], tuple[int | str, int], tuple[str, object]),
]
BAD = [
    (int, "int"),
    (float, "float"),
    (complex, "complex"),
    (bool, "bool"),
    (set, "set"),
    (set[str], "set[str]"),
    (frozenset, "frozenset"),
    (range, "range"),
    (type, "type"),
    (type[Point], "type[test_return_annotations.Point]"),
    (Decimal, "decimal.Decimal"),
    (datetime, "datetime.datetime"),
    (UUID, "uuid.UUID"),
    (Path, f"{Path.__module__}.Path"),
    (HTTPStatus, "http.HTTPStatus"),
    (Colour, "test_return_annotations.Colour"),
    (Pair, "test_return_annotations.Pair"),
    ("int", "int"),
    ("set[int]", "set[int]"),
    (int | float, "int | float"),
    (Annotated[int, "x"], "int"),
    (Literal[1, 2], "Literal[1, 2]"),
    (UserId, "test_return_annotations.UserId"),
    (Number, "Number"),
    (7, "7"),
    (True, "True"),
    (tuple[()], "tuple[()]"),
    (tuple[str], "tuple[str]"),
    (tuple[str, int, dict, int], "tuple[str, int, dict, int]"),
    (tuple[int, int], "tuple[int, int]"),
    (tuple[str, str], "tuple[str, str]"),
    (tuple[str, bool], "tuple[str, bool]"),
    (tuple[web.Response, int], "tuple[aiohttp.web_response.Response, int]"),
]
GOOD_ITEMS = [
    str,
    bytes,
    bytearray,
    SSEEvent,
    str | bytes,
    Any,
    T,
    Name,
    object,
    Own,
    Point,
    "Unknown",
]
BAD_ITEMS = [int, dict, list[str], None, Movie, tuple[str, int], web.Response, int | None, UserId]
ITERATORS = [AsyncIterator, AsyncIterable, AsyncGenerator]


def returning(annotation):
    async def handler(): ...

    handler.__annotations__ = {"return": annotation}
    return handler


def yielding(annotation):
    async def handler():
        yield ""

    handler.__annotations__ = {"return": annotation}
    return handler


def of(iterator, item):
    return iterator[item, None] if iterator is AsyncGenerator else iterator[item]


@pytest.mark.parametrize("annotation", GOOD, ids=str)
def test_what_may_be_answered_is_taken(app, annotation):
    app.http.get("/")(returning(annotation))


@pytest.mark.parametrize(("annotation", "shown"), BAD, ids=str)
def test_what_can_never_be_answered_is_an_error_of_one_line(app, annotation, shown):
    with pytest.raises(ConfigurationError) as raised:
        app.http.get("/")(returning(annotation))
    name = "returning.<locals>.handler"
    reason = "can never be answered: return a web.StreamResponse, str, bytes, dict, list, "
    message = str(raised.value).replace(f"{__name__}.", "test_return_annotations.")
    assert message.startswith(f"handler {name}: -> {shown} {reason}")
    assert "\n" not in message
    assert app.routes == []


def test_an_object_that_is_no_type_is_one_too(app):
    with pytest.raises(ConfigurationError, match=r"-> <object object at .*> can never be answered"):
        app.http.get("/")(returning(object()))


@pytest.mark.parametrize("iterator", ITERATORS)
@pytest.mark.parametrize("item", GOOD_ITEMS, ids=str)
def test_what_may_be_yielded_is_taken(app, iterator, item):
    app.http.get("/")(yielding(of(iterator, item)))


@pytest.mark.parametrize("iterator", ITERATORS)
@pytest.mark.parametrize("item", BAD_ITEMS, ids=str)
def test_what_can_never_be_yielded_is_an_error(app, iterator, item):
    reason = "can never be answered: yield str, bytes, or SSEEvents alone$"
    with pytest.raises(ConfigurationError, match=reason):
        app.http.get("/")(yielding(of(iterator, item)))


@pytest.mark.parametrize("annotation", ["Unknown", AsyncIterator, Any, Iterable[str], None, str])
def test_a_generator_may_say_nothing_of_what_it_yields(app, annotation):
    app.http.get("/")(yielding(annotation))


def test_a_generator_of_numbers_is_an_error(app):
    with pytest.raises(
        ConfigurationError, match=r"handler .*: -> int can never be answered: yield"
    ):
        app.http.get("/")(yielding(int))


def test_a_handler_without_annotation_is_taken(app):
    @app.http.get("/")
    async def handler():
        return 1


def test_a_name_of_the_module_is_evaluated(app):
    with pytest.raises(ConfigurationError, match=r"-> .*UserId can never be answered"):
        app.http.get("/")(returning("UserId"))


def test_what_a_decorator_makes_of_an_answer_is_not_known(app):
    def as_document(function):
        @wraps(function)
        async def decorated():
            return {"count": await function()}

        return decorated

    @app.http.get("/")
    @as_document
    async def count() -> int:
        return 1


class Counter:
    async def __call__(self) -> int:
        return 1


async def add(a, b) -> int:
    return a + b


@pytest.mark.parametrize("handler", [Counter(), partial(add, 1, 2), partial(Counter())])
def test_objects_and_partials_are_looked_into(app, handler):
    with pytest.raises(ConfigurationError, match=r"handler (Counter|add): -> int can never be"):
        app.http.get("/")(handler)


def test_any_method_and_route_is_looked_at(app):
    for declare in (app.http.post, app.http.delete):
        with pytest.raises(ConfigurationError, match="-> set can never be answered"):
            declare("/")(returning(set))


ATOMS = st.sampled_from(
    [str, bytes, dict, list, None, Point, Person, Movie, Any, Own, Name, web.Response]
)
VALUES = st.sampled_from([str, bytes, dict, list, None, Point, Person, Movie, Any, Own, Name])
UNSURE = st.sampled_from([int, float, set, Colour, Pair, UserId])


def _union(pair):
    return Union[pair]  # noqa: UP007 (a pair that is made at random)


def grown(inner):
    return st.one_of(
        inner.map(Optional.__getitem__),
        st.tuples(inner, UNSURE).map(_union),
        st.tuples(UNSURE, inner).map(_union),
        inner.map(lambda each: Annotated[each, "x"]),
        inner.map(lambda each: TypeAliasType("Alias", each)),
        inner.map(lambda each: NewType("New", each)),
    )


ANSWERABLE = st.one_of(
    st.recursive(ATOMS, grown, max_leaves=5),
    UNSURE.map(lambda each: list[each]),
    UNSURE.map(lambda each: dict[str, each]),
    st.recursive(VALUES, grown, max_leaves=4).map(lambda each: tuple[each, int]),
    st.recursive(VALUES, grown, max_leaves=4).map(lambda each: tuple[each, HTTPStatus, dict]),
)


@settings(deadline=None)
@given(ANSWERABLE, st.booleans())
def test_no_answerable_annotation_is_refused(annotation, is_text):
    app = App()
    app.http.get("/")(returning(str(annotation) if is_text else annotation))
    assert len(app.routes) == 1


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a statement of Python 3.12")
def test_aliases_of_their_own_statement_are_looked_into(app):
    names = {}
    exec("type Number = int\ntype Endless = list[Endless]", names)
    app.http.get("/")(returning(names["Endless"]))
    with pytest.raises(ConfigurationError, match="-> Number can never be answered"):
        app.http.get("/number")(returning(names["Number"]))
