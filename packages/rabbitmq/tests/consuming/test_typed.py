"""Messages as handlers ask for them: typed bodies, headers, the app and its resources."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, field_validator
from typing_extensions import TypedDict

from asyncworker import App, Cookie, Events, Header, Options
from asyncworker.connections import AMQPConnection
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import Queue, RabbitMQMessage, Retry
from asyncworker.testing import TestApp

BULK = {Options.BULK_SIZE: 10}


class Order(BaseModel):
    id: int = Field(gt=0)
    note: str = ""

    @field_validator("note")
    @classmethod
    def check_note(cls, note):
        if note == "secret":
            raise ValueError(f"not {note}")
        return note


@dataclass
class Item:
    id: int


class Row(TypedDict):
    id: int


class Size(Enum):
    SMALL = 1


@pytest.fixture
def app():
    return App(connections=[AMQPConnection(url="memory://")])


@pytest.fixture
def handled(app):
    """Have bodies handled; return what the handler was given, and what was dead-lettered."""

    async def handled(handler, *bodies, options=None, headers=None):
        queue = Queue("orders", dead_letter=True)
        app.route([queue], options=options)(handler)
        async with TestApp(app) as worker:
            dead = worker.queue("orders.dead")
            for body in bodies:
                await worker.publish(body, "orders", headers=headers)
            await worker.idle()
            return dead.bodies

    return handled


@pytest.mark.parametrize(
    ("type", "body", "value"),
    [
        (Order, {"id": "1"}, Order(id=1)),
        (Item, {"id": 1}, Item(1)),
        (Row, {"id": 1}, {"id": 1}),
        (dict[str, int], {"a": "1"}, {"a": 1}),
        (Order | Item, {"id": 1}, Order(id=1)),
        (Literal["a"], "a", "a"),
        (int | None, None, None),
    ],
)
async def test_the_body_of_the_one_message_is_of_its_type(handled, type, body, value):
    taken = []

    async def handler(order: type, message: RabbitMQMessage, again: RabbitMQMessage[type]):
        taken.append((order, message.body, again is message))

    with pytest.raises(ConfigurationError, match="order and again would both be the body"):
        await handled(handler, body)

    async def other(order: type, message: RabbitMQMessage):
        taken.append((order, message.body))

    assert await handled(other, body) == []
    assert taken == [(value, value)]


@pytest.mark.parametrize("annotation", [list[RabbitMQMessage[Order]], list[Order]])
async def test_those_that_fit_go_on_without_those_that_do_not(handled, logs, annotation):
    taken = []

    async def handler(orders: annotation):
        taken.extend(getattr(order, "body", order) for order in orders)

    bodies = [{"id": 1}, {"id": 0}, {"id": 2, "note": "secret"}, [], b"{", {"id": 3}]
    dead = await handled(handler, *bodies, options=BULK)
    assert taken == [Order(id=1), Order(id=3)]
    assert dead == [{"id": 0}, {"id": 2, "note": "secret"}, [], b"{"]
    told = [record.getMessage() for record in logs.records if "rejected" in record.getMessage()]
    place = "queue 'orders', vhost '/': rejected a message whose body "
    assert [line.partition(place)[2] for line in told] == [
        "does not fit: id: input should be greater than 0",
        "does not fit: note: it is refused (value_error)",
        "does not fit: input should be an object",
        "is no JSON: EOF while parsing an object at line 1 column 1",
    ]


async def test_a_retry_may_be_what_becomes_of_them(handled):
    taken = []

    async def handler(order: Order):
        taken.append(order)

    retry = Retry(attempts=1)
    assert await handled(handler, {"id": 0}, options={Events.ON_INVALID: retry}) == [{"id": 0}]
    assert taken == []


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        ({"x-tenant": "acme"}, ("acme", 10, None)),
        ({"x-tenant": "acme", "x-limit": "5", "x-size": "1"}, ("acme", 5, Size.SMALL)),
        ({"x-tenant": "acme", "x-limit": 5, "x-size": 1}, ("acme", 5, Size.SMALL)),
    ],
)
async def test_headers_are_converted(handled, headers, value):
    taken = []

    async def handler(
        tenant: Annotated[str, Header("x-tenant")],
        x_limit: Annotated[int, Field(gt=0), Header()] = 10,
        x_size: Annotated[Size | None, Header()] = None,
    ):
        taken.append((tenant, x_limit, x_size))

    assert await handled(handler, {}, headers=headers) == []
    assert taken == [value]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "header 'x-tenant' does not fit: it is missing"),
        (
            {"x-tenant": "acme", "x-limit": "secret"},
            (
                "header 'x-limit' does not fit: input should be a valid integer, "
                "unable to parse string as an integer"
            ),
        ),
        (
            {"x-tenant": "acme", "x-limit": 0},
            "header 'x-limit' does not fit: input should be greater than 0",
        ),
        ({"x-tenant": 5}, "header 'x-tenant' does not fit: input should be a valid string"),
    ],
)
async def test_a_header_that_does_not_fit_is_as_poison(handled, logs, headers, reason):
    taken = []

    async def handler(
        tenant: Annotated[str, Header("x-tenant")],
        x_limit: Annotated[int, Field(gt=0), Header()] = 10,
    ):
        taken.append(tenant)

    assert await handled(handler, {"id": 1}, headers=headers) == [{"id": 1}]
    assert taken == []
    told = [record.getMessage() for record in logs.records if "rejected" in record.getMessage()]
    assert [line.partition("a message whose ")[2] for line in told] == [reason]


async def test_the_app_and_its_resources_are_filled(app, handled):
    class Database: ...

    @app.resource
    async def database() -> AsyncIterator[Database]:
        yield Database()

    taken = []

    async def handler(orders: list[Item], app: App, *, database: Database):
        taken.append((orders, app, database is app[Database]))

    assert await handled(handler, {"id": 1}, options=BULK) == []
    assert taken == [([Item(1)], app, True)]


async def test_a_struct_is_decoded_by_its_own_library(handled):
    msgspec = pytest.importorskip("msgspec")

    class Struct(msgspec.Struct):
        id: int

    taken = []

    async def handler(order: Struct):
        taken.append(order)

    assert await handled(handler, {"id": 1}, {"id": "one"}) == [{"id": "one"}]
    assert taken == [Struct(1)]


async def takes_cookie(session: Annotated[str, Cookie()]): ...
async def takes_one(message: RabbitMQMessage): ...
async def takes_order(order: Order): ...


@pytest.mark.parametrize(
    ("handler", "options", "reason"),
    [
        (takes_cookie, None, "parameter 'session': a message has no Cookie"),
        (takes_one, BULK, "parameter 'message' is of one message, and Options.BULK_SIZE is 10"),
        (takes_order, BULK, "parameter 'order' is of one message, and Options.BULK_SIZE is 10"),
    ],
)
def test_what_can_never_be_filled_is_said_at_once(app, handler, options, reason):
    with pytest.raises(ConfigurationError) as caught:
        app.route(["orders"], options=options)(handler)
    assert reason in str(caught.value)


def test_a_class_that_is_no_data_is_said_at_once(app):
    class Plain:
        def __init__(self, other): ...

    async def handler(order: Plain): ...

    with pytest.raises(ConfigurationError, match="cannot be the type of a body"):
        app.route(["orders"])(handler)
    assert app.routes == []
