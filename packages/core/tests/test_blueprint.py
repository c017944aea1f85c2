"""Parts of an app that are declared without it."""

from collections.abc import AsyncIterator

import pytest

from asyncworker import App, Blueprint, Options, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.errors import ConfigurationError, ResourceNotOpen
from asyncworker.testing import TestApp

AMQP = RouteTypes.AMQP_RABBITMQ


class Database: ...


class Ticking:
    def __init__(self, journal):
        self.journal = journal

    async def __call__(self, database: Database):
        self.journal.append("ticks")


class Noting:
    def __init__(self, journal):
        self.journal = journal

    async def __call__(self, call, call_next):
        self.journal.append(("around", str(call.type)))
        return await call_next()


@pytest.fixture
def app():
    return App(connections=[AMQPConnection(url="memory://", name="broker")])


@pytest.fixture
def journal():
    return []


@pytest.fixture
def orders(journal):
    """A blueprint with one of everything."""
    orders = Blueprint(prefix="/orders", options={Options.TIMEOUT: 5})

    @orders.resource
    async def database() -> AsyncIterator[Database]:
        journal.append("opens")
        yield Database()
        journal.append("closes")

    @orders.route(["orders"], type=AMQP)
    async def store(messages, database: Database):
        journal.append(("stored", [message.body for message in messages]))

    @orders.http.get("/{id}")
    async def get(id: int, database: Database):
        return {"id": id}

    @orders.run_on_startup
    async def start(app):
        journal.append("starts")

    @orders.run_on_shutdown
    async def end(app, database: Database):
        journal.append("ends")

    orders.run_every(3600)(Ticking(journal))
    orders.run_at("0 0 1 1 *")(lambda: None)
    orders.middleware(Noting(journal))
    return orders


async def test_an_app_has_all_that_it_includes(app, orders, journal):
    app.include(orders, prefix="/v1")
    assert [route.options.timeout for route in app.routes] == [5, 5]
    assert [schedule.options.timeout for schedule in app.schedules] == [5, 5]
    async with TestApp(app) as worker:
        await worker.publish({"id": 1}, "orders")
        await worker.idle()
        answer = await worker.request("GET", "/v1/orders/7")
        assert (answer.status, answer.json) == (200, {"id": 7})
        missing = await worker.request("GET", "/orders/7")
        assert missing.status == 404
    around = [each[1] for each in journal if each[0] == "around"]
    assert sorted(around) == ["None", "RouteTypes.AMQP_RABBITMQ", "RouteTypes.HTTP"]
    assert [each for each in journal if each[0] != "around"] == [
        "opens",
        "starts",
        "ticks",
        ("stored", [{"id": 1}]),
        "ends",
        "closes",
    ]


async def test_included_again_only_its_paths_are_there_twice(app, orders, journal):
    app.include(orders, prefix="/v1")
    app.include(orders, prefix="/v2")
    assert len(app.routes) == 3
    assert len(app.schedules) == 2
    async with TestApp(app) as worker:
        for version in ("v1", "v2"):
            assert (await worker.request("GET", f"/{version}/orders/7")).json == {"id": 7}
    assert [journal.count(each) for each in ("opens", "starts", "ends", "closes")] == [1, 1, 1, 1]


async def test_one_may_serve_several_apps(orders):
    for _ in range(2):
        app = App(connections=[AMQPConnection(url="memory://")])
        app.include(orders)
        async with TestApp(app) as worker:
            assert (await worker.request("GET", "/orders/7")).json == {"id": 7}
        with pytest.raises(ResourceNotOpen):
            app[Database]


async def test_one_in_another_has_both_prefixes_and_is_within_both_middlewares(app):
    order = []

    def noting(name):
        async def note(call, call_next):
            order.append(name)
            await call_next()

        return note

    outer = Blueprint("/outer", middlewares=[noting("outer")])
    inner = Blueprint("/inner", middlewares=[noting("inner")])
    app.middleware(noting("app"))

    @inner.http.get("/", middlewares=[noting("route")])
    async def handler():
        return "here"

    outer.include(inner, "/between")
    app.include(outer, prefix="/v1")
    async with TestApp(app) as worker:
        assert (await worker.request("GET", "/v1/outer/between/inner/")).text == "here"
    assert order == ["app", "outer", "inner", "route"]


async def test_its_connection_is_for_routes_of_its_kind_that_name_none():
    first, second = (AMQPConnection(url="memory://", name=name) for name in ("first", "second"))
    app = App(connections=[first, second, SSEConnection("http://127.0.0.1", name="events")])
    for connection in ("second", second):
        blueprint = Blueprint(connection=connection)

        async def handler(items): ...

        blueprint.route(["orders"], type=AMQP)(handler)
        blueprint.route(["others"], type=AMQP, connection="first")(handler)
        blueprint.route(["/events"], type=RouteTypes.SSE)(handler)
        blueprint.http.get(f"/{type(connection).__name__}")(lambda: "here")
        app.include(blueprint)
    assert [
        getattr(route, "connection", None) and route.connection.name for route in app.routes
    ] == [
        "second",
        "first",
        "events",
        None,
    ] * 2


def test_its_options_stand_back_behind_those_of_a_route(app):
    blueprint = Blueprint(options={Options.BULK_SIZE: 10, Options.TIMEOUT: 5})

    @blueprint.route(["orders"], type=AMQP, options={Options.BULK_SIZE: 20})
    async def store(messages): ...

    app.include(blueprint)
    (route,) = app.routes
    assert (route.options.bulk_size, route.options.timeout) == (20, 5)


def test_what_conflicts_is_an_error_of_the_include_and_leaves_nothing(app, orders):
    app.include(orders)

    other = Blueprint()

    @other.resource
    async def cache() -> AsyncIterator[str]:
        yield ""

    @other.run_on_startup
    async def start(app): ...

    @other.route(["others"], type=AMQP)
    async def store(messages): ...

    @other.http.get("/orders/{number}")
    async def get(number: int): ...

    before = [len(one) for one in (app.routes, app.resources, app.startup_hooks, app.blueprints)]
    with pytest.raises(ConfigurationError, match="has a handler already: choose another") as caught:
        app.include(other)
    (note,) = caught.value.__notes__
    assert note.endswith("<locals>.get of the blueprint.")
    after = [len(one) for one in (app.routes, app.resources, app.startup_hooks, app.blueprints)]
    assert after == before
    assert app.resource_of(str) is None


def test_what_an_app_lacks_is_an_error_of_the_include(app):
    blueprint = Blueprint(connection="nowhere")

    @blueprint.route(["orders"], type=AMQP)
    async def store(messages): ...

    with pytest.raises(
        ConfigurationError, match="the app has no connection 'nowhere': its names are broker"
    ):
        app.include(blueprint)


@pytest.mark.parametrize("prefix", ["v1", "/v1/", "/", None, 1])
def test_a_prefix_is_a_path_without_an_end(app, prefix):
    reason = f"a prefix begins with / and does not end with it, as '/v1': got {prefix!r}"
    for wrong in (
        lambda: Blueprint(prefix),
        lambda: app.include(Blueprint(), prefix),
        lambda: Blueprint().include(Blueprint(), prefix),
    ):
        with pytest.raises(ConfigurationError) as caught:
            wrong()
        assert str(caught.value) == reason


def test_only_blueprints_are_included(app):
    for include in (app.include, Blueprint().include):
        with pytest.raises(ConfigurationError, match=r"^include\(\) takes a Blueprint, got 1$"):
            include(1)


def test_none_includes_itself():
    outer, inner = Blueprint(), Blueprint()
    outer.include(inner)
    for blueprint, other in ((outer, outer), (inner, outer)):
        with pytest.raises(ConfigurationError, match="a blueprint cannot include itself"):
            blueprint.include(other)


def yields():
    yield


@pytest.mark.parametrize(
    ("declare", "reason"),
    [
        (lambda one: one.route("orders")(yields), "routes must be a list"),
        (lambda one: one.route(["orders"])(yields), "it yields, which a handler must not"),
        (
            lambda one: one.run_every(-1),
            "run_every() takes seconds, a number greater than 0, got -1",
        ),
        (lambda one: one.run_at("61 * * * *"), "61 * * * *"),
        (lambda one: one.run_every(1)(yields), "it yields, which a handler must not"),
        (lambda one: one.run_on_startup(yields), "hook yields yields, and would never run"),
        (lambda one: one.resource(print), "must be an async generator function"),
        (lambda one: one.middleware(1), "1"),
        (lambda one: one.route(["orders"], middlewares=5), "middlewares must be a list"),
    ],
)
def test_what_is_wrong_by_itself_is_said_at_its_line(declare, reason):
    with pytest.raises(ConfigurationError) as caught:
        declare(Blueprint())
    assert reason in str(caught.value)


async def test_none_is_included_while_the_app_runs(app):
    async with app.started():
        with pytest.raises(ConfigurationError, match=r"declare blueprints before app\.run"):
            app.include(Blueprint())


async def test_a_stream_may_be_declared_by_a_blueprint(app):
    blueprint = Blueprint("/v1")

    @blueprint.http.get("/rows")
    async def rows():
        yield "1,"
        yield "2"

    app.include(blueprint)
    async with TestApp(app) as worker:
        assert (await worker.request("GET", "/v1/rows")).text == "1,2"
