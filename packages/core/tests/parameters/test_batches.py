"""What handlers of batches ask for, in any mix and order."""

import inspect
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Generic, TypeVar
from unittest.mock import AsyncMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asyncworker import App, Cookie, Header
from asyncworker.errors import ConfigurationError
from asyncworker.parameters.batches import ANYTHING, Batches, plan
from asyncworker.routes import name_of

T = TypeVar("T")


@dataclass
class Item(Generic[T]):
    body: T
    tenant: str = "acme"


@dataclass
class Order:
    id: int


class Database: ...


class Cache: ...


def tenant_of(parameter, marker):
    if not isinstance(marker, Header):
        raise ConfigurationError(f"an item has no {type(marker).__name__}")
    return lambda item: item.tenant


def app_with_resources():
    app = App()

    @app.resource
    async def database() -> AsyncIterator[Database]:
        yield

    @app.resource
    async def cache() -> AsyncIterator[Cache]:
        yield

    app[Database], app[Cache] = Database(), Cache()
    return app


@pytest.fixture
def app():
    return app_with_resources()


@pytest.fixture
def planned(app):
    def planned(handler, bulk_size=1):
        return plan(app, handler, Batches(Item, "item", bulk_size, tenant_of))

    return planned


async def takes_plain(items): ...
async def takes_list(items: list): ...
async def takes_items(items: list[Item]): ...
async def takes_any_item(items: list[Item[Any]]): ...
async def takes_sequence(items: Sequence[Item]): ...
async def takes_iterable(items: "Iterable[Item]"): ...
async def takes_anything(items: Any): ...
async def takes_default(items, more=1, *, most: int = 2): ...
async def takes_all(*items): ...


class Handler:
    async def method(self, items): ...
    async def __call__(self, items: list[Item]): ...


LISTS = [
    takes_plain,
    takes_list,
    takes_items,
    takes_any_item,
    takes_sequence,
    takes_iterable,
    takes_anything,
    takes_default,
    takes_all,
    Handler().method,
    Handler(),
    partial(takes_default, more=2),
    AsyncMock(),
]


@pytest.mark.parametrize("handler", LISTS, ids=lambda one: name_of(one))
@pytest.mark.parametrize("bulk_size", [1, 10])
def test_what_takes_just_the_list_is_called_as_it_is(planned, handler, bulk_size):
    asked = planned(handler, bulk_size)
    assert asked.handler == handler
    assert asked.body is ANYTHING


@pytest.mark.parametrize(
    ("annotation", "body", "given"),
    [
        (Item, ANYTHING, lambda batch: batch[0]),
        (Item[Order], Order, lambda batch: batch[0]),
        (Item[list[int]], list[int], lambda batch: batch[0]),
        (list[Item[Order]], Order, lambda batch: batch),
        (Order, Order, lambda batch: batch[0].body),
        (dict[str, int], dict[str, int], lambda batch: batch[0].body),
        (str, str, lambda batch: batch[0].body),
        (list[Order], Order, lambda batch: [item.body for item in batch]),
        (Sequence[Order], Order, lambda batch: [item.body for item in batch]),
        (list[list[int]], list[int], lambda batch: [item.body for item in batch]),
        (Annotated[str, Header()], ANYTHING, lambda batch: batch[0].tenant),
    ],
)
async def test_a_parameter_is_filled_by_its_type(planned, annotation, body, given):
    async def handler(value: annotation):
        return value

    asked = planned(handler)
    assert asked.body == body
    batch = [Item(Order(1))]
    assert await asked.handler(batch) == given(batch)
    assert asked.handler.__qualname__ == handler.__qualname__
    assert inspect.signature(asked.handler) == inspect.signature(handler)


async def test_the_app_and_its_resources_are_filled(app, planned):
    async def handler(cache: Cache, items, app: App, *, database: Database, more: int = 7):
        return cache, items, app, database, more

    batch = [Item(1)]
    asked = planned(handler, 10)
    assert await asked.handler(batch) == (app[Cache], batch, app, app[Database], 7)


KINDS = {
    "plain": (inspect.Parameter.empty, lambda app, batch: batch),
    "item": (Item, lambda app, batch: batch[0]),
    "body": (Order, lambda app, batch: batch[0].body),
    "app": (App, lambda app, batch: app),
    "database": (Database, lambda app, batch: app[Database]),
    "cache": (Cache, lambda app, batch: app[Cache]),
    "tenant": (Annotated[str, Header("tenant")], lambda app, batch: batch[0].tenant),
    "other": (Annotated[str, Header()], lambda app, batch: batch[0].tenant),
}
ORDERS = st.lists(st.sampled_from(sorted(KINDS)), unique=True, min_size=1)


@given(names=ORDERS, by_keyword=st.integers(0, 8), is_partial=st.booleans())
async def test_any_mix_in_any_order(names, by_keyword, is_partial):
    app = app_with_resources()

    async def handler(*args, **kwargs):
        return dict(zip(names, args, strict=False)) | kwargs

    kind = inspect.Parameter
    handler.__signature__ = inspect.Signature(
        [
            kind(
                name,
                kind.KEYWORD_ONLY if index >= by_keyword else kind.POSITIONAL_OR_KEYWORD,
                annotation=KINDS[name][0],
            )
            for index, name in enumerate(names)
        ]
        + [kind("held", kind.KEYWORD_ONLY)] * is_partial
    )
    called = partial(handler, held=1) if is_partial else handler
    batches = Batches(Item, "item", 1, tenant_of)
    if not {"plain", "item", "body", "tenant", "other"}.intersection(names):
        with pytest.raises(ConfigurationError, match="takes none of the items"):
            plan(app, called, batches)
        return
    batch = [Item(Order(1))]
    expected = {name: KINDS[name][1](app, batch) for name in names}
    asked = plan(app, called, batches)
    assert await asked.handler(batch) == expected | ({"held": 1} if is_partial else {})
    assert asked.body == (Order if "body" in names else ANYTHING)


async def takes_two(order: Order, more: dict): ...
async def takes_two_lists(orders: list[Order], items: list[Item[Order]]): ...
async def takes_one(item: Item): ...
async def takes_body(order: Order): ...
async def takes_header(tenant: Annotated[str, Header()]): ...
async def takes_cookie(session: Annotated[str, Cookie()]): ...
async def takes_class(tenant: Annotated[str, Header]): ...
async def takes_both(tenant: Annotated[str, Header(), Cookie()]): ...
async def takes_none(app: App, database: Database): ...
async def takes_default(order: Order, tenant: str = Header("x-tenant")): ...  # type: ignore
async def takes_marker(order: Order, tenant: Header("x-tenant")): ...  # type: ignore
async def takes_default_alone(order: Order | None = None): ...
async def takes_plain_twice(items, more): ...
async def takes_missing(items: "Missing"): ...  # noqa: F821
async def takes_nothing(): ...


@pytest.mark.parametrize(
    ("handler", "bulk_size", "reason"),
    [
        (
            takes_two,
            1,
            (
                "handler takes_two: order and more would both be the body: put them into one "
                "model, or declare what provides dict as a resource of the app before"
            ),
        ),
        (takes_two_lists, 1, "orders and items would both be the body"),
        (
            takes_one,
            5,
            (
                "handler takes_one: parameter 'item' is of one item, and Options.BULK_SIZE is 5: "
                "take a list, or one at a time"
            ),
        ),
        (takes_body, 2, "parameter 'order' is of one item, and Options.BULK_SIZE is 2"),
        (takes_header, 2, "parameter 'tenant' is of one item, and Options.BULK_SIZE is 2"),
        (takes_cookie, 1, "an item has no Cookie"),
        (takes_class, 1, "parameter 'tenant': write Header(), not Header"),
        (takes_default, 1, "parameter 'tenant': write tenant: Annotated[str, Header(...)]"),
        (takes_marker, 1, "parameter 'tenant': write tenant: Annotated[str, Header(...)]"),
        (
            takes_both,
            1,
            "parameter 'tenant' has Header(name=None) and Cookie(name=None): keep one of them",
        ),
        (
            takes_none,
            1,
            "handler takes_none takes none of the items: let its first parameter be the list",
        ),
        (takes_default_alone, 1, "parameter be the list of them, or a body, without a default"),
        (
            takes_plain_twice,
            1,
            "parameter 'more' has no annotation: only the first one without is the list of items",
        ),
        (takes_missing, 1, "takes_missing: an annotation cannot be evaluated: name 'Missing'"),
        (takes_nothing, 1, "cannot be called with the list of items alone"),
    ],
)
def test_what_can_never_be_filled_is_said_at_once(planned, handler, bulk_size, reason):
    with pytest.raises(ConfigurationError) as caught:
        planned(handler, bulk_size)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_class_for_type_checkers_alone_is_known(planned):
    async def handler(items): ...

    handler.__annotations__["items"] = "list[Item]"
    module = {"__name__": "elsewhere"}
    alone = type(handler)(handler.__code__, module, "alone")
    alone.__annotations__ = {"items": "list[Item]"}
    assert planned(alone, 10).handler is alone


@pytest.mark.parametrize("name", ["", 1])
def test_a_marker_needs_a_name_or_none(name):
    with pytest.raises(ConfigurationError, match=r"Header\(\) takes a non-empty name, got "):
        Header(name)
