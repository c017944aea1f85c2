"""What app.route() takes, and what it says of what is wrong."""

import asyncio
import functools
import traceback

import pytest

from asyncworker import App, Options, RouteOptions, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import Queue


async def handler(items):
    """Handle nothing."""


# Routes


def test_route_returns_the_function(app):
    assert app.route(["orders"], type=RouteTypes.KAFKA)(handler) is handler


def test_routes_stack_on_one_handler(app):
    @app.route(["orders"], type=RouteTypes.KAFKA)
    @app.route(["users", "carts"], type=RouteTypes.KAFKA)
    async def both(items):
        """Handle nothing."""

    assert [(route.routes, route.handler) for route in app.routes] == [
        (("users", "carts"), both),
        (("orders",), both),
    ]


class Handler:
    def __init__(self):
        self.items = []

    async def __call__(self, items):
        self.items.extend(items)

    async def method(self, items):
        self.items.extend(items)

    async def with_prefix(self, prefix, items):
        self.items.extend(items)


@pytest.mark.parametrize(
    "made",
    [
        lambda one: one,
        lambda one: one.method,
        lambda one: functools.partial(one.with_prefix, "prefix"),
        lambda one: functools.partial(Handler.method, one),
    ],
    ids=["object", "bound method", "partial of a bound method", "partial of a function"],
)
async def test_any_async_callable_handles(kafka, serve, made):
    connection, one = kafka.KafkaConnection([1, 2]), Handler()
    app = App(connections=[connection])
    app.route(["orders"], type=RouteTypes.KAFKA, options={Options.BULK_SIZE: 2})(made(one))
    async with asyncio.timeout(10), app.started():
        pass
    assert one.items == [1, 2]
    assert connection.outcomes == [([1, 2], None)]


def test_a_type_may_be_given_by_value(app):
    app.route(["orders"], type="kafka")(handler)
    assert app.routes[0].type == RouteTypes.KAFKA


def test_what_the_backend_takes_goes_on_to_it(app):
    app.route(["orders"], type=RouteTypes.KAFKA, group="nightly")(handler)
    assert app.routes[0].group == "nightly"


def test_a_connection_is_chosen_by_name_or_object(kafka):
    blue, green = kafka.KafkaConnection(name="blue"), kafka.KafkaConnection(name="green")
    app = App(connections=[blue, green])
    app.route(["orders"], type=RouteTypes.KAFKA, connection="green")(handler)
    app.route(["orders"], type=RouteTypes.KAFKA, connection=blue)(handler)
    assert [route.connection for route in app.routes] == [green, blue]


def test_one_decorator_may_decorate_several_handlers(app):
    decorate = app.route((name for name in ["orders"]), type=RouteTypes.KAFKA)
    decorate(handler)
    decorate(Handler())
    assert [route.routes for route in app.routes] == [("orders",), ("orders",)]


def test_a_backend_may_take_any_keyword(install):
    """The contract of the design: `route(self, app, routes, handler, options, **kwargs)`."""
    module = """
from types import SimpleNamespace
from asyncworker import RouteOptions, RouteTypes

class Backend:
    route_type = RouteTypes.OPEN

    def route(self, app, routes, handler, options, **kwargs):
        return SimpleNamespace(options=RouteOptions.parse(options), kwargs=kwargs)

backend = Backend()
"""
    install("open_backend", module, "[asyncworker.backends]\nOPEN = open_backend:backend\n")
    app = App()
    app.route(["orders"], type=RouteTypes.OPEN, colour="red")(handler)
    assert [route.kwargs for route in app.routes] == [{"colour": "red"}]


def test_a_backend_may_check_handlers_by_itself(install):
    module = """
from types import SimpleNamespace
from asyncworker import RouteOptions, RouteTypes
from asyncworker.routes import streams

class Backend:
    route_type = RouteTypes.YIELDED

    def check_handler(self, handler):
        assert streams(handler)

    def route(self, app, routes, handler, options):
        return SimpleNamespace(options=RouteOptions.parse(options), handler=handler)

backend = Backend()
"""
    install("yielded", module, "[asyncworker.backends]\nYIELDED = yielded:backend\n")

    async def rows():
        yield 1

    app = App()
    app.route(["orders"], type=RouteTypes.YIELDED, options={Options.TIMEOUT: 1})(rows)
    assert [route.handler for route in app.routes] == [rows]


# Bad input: a clear error at the line that is wrong


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"routes": []}, "routes is empty: name at least one"),
        ({"routes": "orders"}, "routes must be a list: write ['orders'], not 'orders'"),
        ({"type": "kafak"}, "unknown route type 'kafak': "),
        ({"options": {Options.BULK_SIZE: 0}}, "Options.BULK_SIZE: input should be "),
        ({"options": {Options.BULK_SIZE: "2"}}, "Options.BULK_SIZE: input should be "),
        (
            {"options": {Options.BULK_FLUSH_INTERVAL: -1}},
            "Options.BULK_FLUSH_INTERVAL: input should be greater than 0, got -1",
        ),
        ({"options": {"cursor": "latest"}}, "this route takes no option cursor: "),
        ({"options": [1]}, "options must be a dict keyed by Options, got [1]"),
        ({"connection": "red"}, "connection='red' is no KafkaConnection of this app, "),
        ({"groop": "x"}, "a RouteTypes.KAFKA route takes no 'groop': did you mean group? "),
        ({"option": {}}, "a RouteTypes.KAFKA route takes no 'option': did you mean options? "),
        ({"vhost": "/"}, "a RouteTypes.KAFKA route takes no 'vhost': "),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_wrong_route_is_an_error_that_shows_what_is_wrong(app, given, message):
    arguments = {"routes": ["orders"], "type": RouteTypes.KAFKA, **given}
    with pytest.raises(ConfigurationError) as caught:
        app.route(**arguments)(handler)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert app.routes == []


def test_typed_options_of_another_backend_are_an_error(app, kafka):
    options = kafka.PulsarOptions(cursor="latest")
    with pytest.raises(ConfigurationError, match="this route takes no option cursor: "):
        app.route(["orders"], type=RouteTypes.KAFKA, options=options)(handler)


def test_typed_options_are_taken(app):
    app.route(["orders"], type=RouteTypes.KAFKA, options=RouteOptions(bulk_size=5))(handler)
    assert app.routes[0].options.bulk_size == 5


@pytest.mark.usefixtures("kafka")
def test_a_route_without_a_type_is_an_error_that_lists_them():
    with pytest.raises(ConfigurationError, match=r"needs type=, one of .*RouteTypes\.KAFKA"):
        App().route(["orders"])(handler)


def test_where_connections_are_of_one_kind_a_route_needs_no_type(app):
    app.route(["orders"])(handler)
    assert app.routes[0].type == RouteTypes.KAFKA


def test_a_route_that_says_its_type_needs_none():
    app = App(connections=[AMQPConnection(url="memory://"), SSEConnection("http://127.0.0.1")])
    app.route([Queue("orders")])(handler)
    assert app.routes[0].type == RouteTypes.AMQP_RABBITMQ
    with pytest.raises(ConfigurationError, match="needs type=, one of"):
        app.route(["orders"])(handler)


def test_a_route_without_a_connection_is_an_error(kafka):
    with pytest.raises(ConfigurationError, match=r"a RouteTypes\.KAFKA route needs a connection"):
        App().route(["orders"], type=RouteTypes.KAFKA)(handler)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Handler, "handler Handler is not async: create an instance of it"),
        (Handler().with_prefix, "cannot be called with the list of items alone: "),
    ],
    ids=["a class", "two arguments"],
)
def test_a_wrong_handler_is_an_error(app, wrong, message):
    with pytest.raises(ConfigurationError, match=message):
        app.route(["orders"], type=RouteTypes.KAFKA)(wrong)


def test_a_route_decorator_without_its_call_is_an_error(app):
    with pytest.raises((ConfigurationError, TypeError)):

        @app.route
        async def forgotten(items):
            """Never called."""


def test_the_error_of_a_decorator_carries_the_line_of_the_user(app):
    with pytest.raises(ConfigurationError) as caught:

        @app.route(["orders"], type=RouteTypes.KAFKA, options={Options.BULK_SIZE: 0})
        async def tiny(items):
            """Never called."""

    frames = traceback.extract_tb(caught.value.__traceback__)
    lines = [frame.line for frame in frames if frame.filename == __file__]
    assert '@app.route(["orders"], type=RouteTypes.KAFKA, options={Options.BULK_SIZE: 0})' in lines


def test_the_error_of_a_misspelt_type_carries_the_line_of_the_user(app):
    with pytest.raises(AttributeError) as caught:

        @app.route(["orders"], type=RouteTypes.KAFAK)
        async def misspelt(items):
            """Never called."""

    frames = traceback.extract_tb(caught.value.__traceback__)
    lines = [frame.line for frame in frames if frame.filename == __file__]
    assert '@app.route(["orders"], type=RouteTypes.KAFAK)' in lines
    assert "did you mean KAFKA?" in str(caught.value)
