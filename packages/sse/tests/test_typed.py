"""Events as handlers ask for them: typed bodies, the app and its resources."""

from collections.abc import AsyncIterator
from typing import Annotated

import pytest
from pydantic import BaseModel

from asyncworker import App, Header, Options
from asyncworker.connections import SSEConnection
from asyncworker.errors import ConfigurationError
from asyncworker.sse import SSEEvent
from asyncworker.testing import TestApp

BULK = {Options.BULK_SIZE: 10}


class Order(BaseModel):
    id: int


@pytest.fixture
def app():
    return App(connections=[SSEConnection("http://127.0.0.1")])


@pytest.fixture
def handled(app):
    """Have events handled by a route."""

    async def handled(handler, *data, options=None):
        app.route(["/events"], options=options)(handler)
        async with TestApp(app) as worker:
            for number, each in enumerate(data):
                await worker.feed("/events", each, id=str(number))
            await worker.idle()

    return handled


async def test_the_body_of_the_one_event_is_of_its_type(handled):
    taken = []

    async def handler(order: Order, event: SSEEvent):
        taken.append((order, event.body is order, event.id))

    await handled(handler, {"id": 1})
    assert taken == [(Order(id=1), True, "0")]


@pytest.mark.parametrize("annotation", [list[SSEEvent[Order]], list[Order]])
async def test_those_that_fit_go_on_without_those_that_do_not(handled, logs, annotation):
    taken = []

    async def handler(orders: annotation):
        taken.extend(getattr(order, "body", order) for order in orders)

    await handled(handler, {"id": 1}, {"id": "secret"}, "no JSON", {"id": 2}, options=BULK)
    assert taken == [Order(id=1), Order(id=2)]
    told = [record for record in logs.records if "left out" in record.getMessage()]
    assert [record.getMessage().partition("left out an event whose ")[2] for record in told] == [
        (
            "body does not fit: id: input should be a valid integer, unable to parse string as an "
            "integer"
        ),
        "body is no JSON: expected ident at line 1 column 2",
    ]
    assert [(record.stream, record.event_id) for record in told] == [
        ("/events", "1"),
        ("/events", "2"),
    ]


async def test_the_app_and_its_resources_are_filled(app, handled):
    class Database: ...

    @app.resource
    async def database() -> AsyncIterator[Database]:
        yield Database()

    taken = []

    async def handler(events, app: App, *, database: Database):
        taken.append(([event.body for event in events], app, database is app[Database]))

    await handled(handler, {"id": 1})
    assert taken == [([{"id": 1}], app, True)]


async def takes_header(tenant: Annotated[str, Header()]): ...
async def takes_order(order: Order): ...


@pytest.mark.parametrize(
    ("handler", "options", "reason"),
    [
        (takes_header, None, "parameter 'tenant': an event has no Header"),
        (takes_order, BULK, "parameter 'order' is of one event, and Options.BULK_SIZE is 10"),
    ],
)
def test_what_can_never_be_filled_is_said_at_once(app, handler, options, reason):
    with pytest.raises(ConfigurationError) as caught:
        app.route(["/events"], options=options)(handler)
    assert reason in str(caught.value)
