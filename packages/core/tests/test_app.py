import asyncio
import functools
import traceback
from collections.abc import MutableMapping
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent

import pytest
from mypy import api

from asyncworker import App, Options, RouteOptions, RouteTypes
from asyncworker.errors import BackendNotInstalled, ConfigurationError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def app(kafka):
    return App(connections=[kafka.KafkaConnection([1, 2, 3])])


async def handler(items):
    """Handle nothing."""


def test_an_app_is_a_mutable_mapping():
    app = App()
    app["redis"] = "connected"
    app[5] = "five"
    assert isinstance(app, MutableMapping)
    assert app["redis"] == "connected"
    assert list(app) == ["redis", 5]
    assert len(app) == 2
    assert "redis" in app
    del app["redis"]
    assert "redis" not in app
    assert app.get("redis", "gone") == "gone"
    assert app.setdefault("new", 1) == 1
    app.update(new=2)
    assert app.pop("new") == 2
    with pytest.raises(KeyError):
        app["redis"]


def test_an_empty_app_is_truthy():
    app = App()
    assert len(app) == 0
    assert app


def test_an_app_is_hashable_and_equal_to_itself_alone():
    one, other = App(), App()
    assert one == one
    assert one != other
    assert len({one, other, one}) == 2


def test_the_repr_counts_routes_and_connections(app):
    app.route(["orders"], type=RouteTypes.KAFKA)(handler)
    assert repr(app) == "<App: 1 routes, 1 connections>"


def test_the_state_offers_the_first_connection_of_each_type(kafka):
    first, second, pulsar = (
        kafka.KafkaConnection(),
        kafka.KafkaConnection(),
        kafka.PulsarConnection(),
    )
    app = App(connections=[first, second, pulsar])
    assert app[RouteTypes.KAFKA]["connection"] is first
    assert app["kafka_connection"] is first
    assert app[RouteTypes.PULSAR]["connection"] is pulsar


def test_two_apps_share_nothing():
    one, other = App(), App()
    one["key"] = 1
    one.run_on_startup(lambda _: None)
    assert "key" not in other
    assert other.startup_hooks == []


async def test_state_can_be_written_while_the_app_runs(app, serve):
    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def count(items):
        app["count"] = app.get("count", 0) + len(items)
        if app["count"] == 3:
            app.shutdown()

    await serve(app)
    assert app["count"] == 3


def test_problems_are_a_line_each_for_what_is_affected(kafka):
    blue, green = kafka.KafkaConnection(), kafka.KafkaConnection()
    app = App(connections=[blue, green])
    assert app.problems == []
    blue.problems["queue 'a'"] = "it does not exist"
    green.problems["queue 'b'"] = "access refused"
    assert app.problems == ["queue 'a': it does not exist", "queue 'b': access refused"]


# The form of async-worker 0.1


@pytest.fixture
def legacy(install, monkeypatch):
    """Have a backend for RabbitMQ that only keeps what its connection is given."""
    module = """
from dataclasses import dataclass
from types import SimpleNamespace
from asyncworker import RouteOptions, RouteTypes
from asyncworker.connections import Connection
from asyncworker.routes import Route

class AMQPConnection(Connection):
    route_type = RouteTypes.AMQP_RABBITMQ

    def __init__(self, **given):
        super().__init__()
        self.given = given

@dataclass(frozen=True, slots=True, kw_only=True)
class AMQPRoute(Route):
    vhost: str

def route(app, routes, handler, options, *, vhost="/"):
    return AMQPRoute(
        type=RouteTypes.AMQP_RABBITMQ,
        routes=routes,
        handler=handler,
        options=RouteOptions.parse(options),
        vhost=vhost,
    )

backend = SimpleNamespace(route_type=RouteTypes.AMQP_RABBITMQ, route=route)
"""
    entry_points = "[asyncworker.connections]\nAMQPConnection = legacy:AMQPConnection\n"
    install("legacy", module, entry_points)
    entry_point = EntryPoint("AMQP_RABBITMQ", "legacy:backend", "asyncworker.backends")
    monkeypatch.setattr("asyncworker.backend.backend_entry_points", lambda: [entry_point])


@pytest.mark.usefixtures("legacy")
def test_the_old_form_makes_one_connection_and_lets_type_be_left_out():
    app = App(host="127.0.0.1", user="guest", password="guest", prefetch_count=256)
    (connection,) = app.connections.all
    assert connection.given == {
        "host": "127.0.0.1",
        "user": "guest",
        "password": "guest",
        "prefetch_count": 256,
    }
    assert app[RouteTypes.AMQP_RABBITMQ]["connection"] is connection
    assert app.route(["orders"], vhost="fluentd")(handler) is handler
    assert (app.routes[0].routes, app.routes[0].vhost) == (("orders",), "fluentd")


@pytest.mark.usefixtures("legacy")
def test_the_old_form_leaves_out_what_was_not_given():
    (connection,) = App(host="127.0.0.1").connections.all
    assert connection.given == {"host": "127.0.0.1"}


@pytest.mark.usefixtures("no_backends")
def test_the_old_form_without_its_backend_says_what_to_install():
    with pytest.raises(
        (BackendNotInstalled, ImportError), match=r"pip install asyncworker-rabbitmq$"
    ):
        App(host="127.0.0.1")


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


def test_a_route_without_a_type_is_an_error_that_lists_them(app):
    with pytest.raises(ConfigurationError, match=r"needs type=, one of .*RouteTypes\.KAFKA"):
        app.route(["orders"])(handler)


def test_a_route_without_a_connection_is_an_error(kafka):
    with pytest.raises(ConfigurationError, match=r"a RouteTypes\.KAFKA route needs a connection"):
        App().route(["orders"], type=RouteTypes.KAFKA)(handler)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda items: items, "is not async: define it with async def"),
        (Handler, "handler Handler is not async: create an instance of it"),
        (Handler().with_prefix, "cannot be called with the list of items alone: "),
    ],
    ids=["not async", "a class", "two arguments"],
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


# Hooks


def test_the_hook_decorators_return_the_function(app):
    async def hook(app):
        """Do nothing."""

    assert app.run_on_startup(hook) is hook
    assert app.run_on_shutdown(hook) is hook


def lifespan(app):
    yield


async def async_lifespan(app):
    yield


@pytest.mark.parametrize("declare", [App.run_on_startup, App.run_on_shutdown])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (None, "a hook must be a function that takes the app, got None"),
        (lifespan, "hook lifespan yields, and would never run"),
        (async_lifespan, "hook async_lifespan yields, and would never run"),
        (lambda: None, "cannot be called with the app alone: too many positional arguments"),
        (lambda app, more: more, "cannot be called with the app alone: missing a required"),
    ],
)
def test_a_wrong_hook_is_an_error(app, declare, wrong, message):
    with pytest.raises(ConfigurationError, match=message):
        declare(app, wrong)


# What a backend adds to an app


@pytest.fixture
def extending(kafka):
    """A backend that adds an object of its own to each app."""
    kafka.kafka.extend = lambda app: [app]
    return kafka


@pytest.mark.usefixtures("extending")
def test_a_backend_adds_what_an_app_offers_under_its_name():
    app, other = App(), App()
    assert app.kafka == [app]
    assert app.kafka is app.kafka
    assert other.kafka == [other]


@pytest.mark.usefixtures("extending")
@pytest.mark.parametrize("name", ["pulsar", "pigeon", "_kafka", "KAFKA"])
def test_what_no_backend_adds_is_no_attribute(name):
    with pytest.raises(AttributeError, match=f"'App' object has no attribute '{name}'"):
        getattr(App(), name)


@pytest.mark.usefixtures("no_backends")
def test_what_a_missing_backend_adds_says_what_to_install():
    with pytest.raises((BackendNotInstalled, AttributeError), match="pip install asyncworker-http"):
        _ = App().http


@pytest.mark.usefixtures("no_backends")
def test_hasattr_tells_that_a_backend_is_missing():
    assert not hasattr(App(), "http")


def test_a_backend_without_an_extension_of_its_own_needs_no_method_for_it(kafka, monkeypatch):
    monkeypatch.delattr(kafka.ScriptedBackend, "extend")
    with pytest.raises(AttributeError, match="'App' object has no attribute 'kafka'"):
        _ = App().kafka


# Runs


@pytest.fixture
def counting(app):
    """An app that counts its runs, and ends each when all items were handled."""
    app["runs"] = 0

    @app.route(["orders"], type=RouteTypes.KAFKA, options={Options.BULK_SIZE: 3})
    async def count(items):
        app["runs"] += 1
        app.shutdown()

    return app


def test_run_can_be_called_again(counting):
    counting.run()
    counting.run()
    assert counting["runs"] == 2


async def test_run_inside_a_running_loop_says_what_to_write_instead(counting):
    with pytest.raises(ConfigurationError) as caught:
        counting.run()
    assert str(caught.value) == (
        "an event loop runs already: await app.serve() instead of app.run()"
    )


async def test_serve_runs_on_the_loop_that_runs_already(counting, serve):
    await serve(counting)
    await serve(counting)
    assert counting["runs"] == 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_one_app_runs_on_several_loops_one_after_another(counting, serve):
    asyncio.run(serve(counting))
    counting.run()
    asyncio.run(serve(counting))
    assert counting["runs"] == 3


async def test_started_runs_the_app_while_the_context_lasts(kafka):
    connection = kafka.KafkaConnection([1])
    app = App(connections=[connection])
    handled = asyncio.Event()

    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handle(_):
        handled.set()

    async with asyncio.timeout(10), app.started() as started:
        assert started is app
        assert connection.is_open
        await handled.wait()
    assert not connection.is_open
    assert connection.outcomes == [([1], None)]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_app_that_runs_cannot_be_run_once_more(counting):
    async with counting.started():
        with pytest.raises(ConfigurationError, match=r"^the app runs already$"):
            await counting.serve()


async def test_routes_and_hooks_cannot_be_added_while_the_app_runs(counting):
    async with counting.started():
        with pytest.raises(ConfigurationError, match=r"runs already: declare routes before app"):
            counting.route(["more"], type=RouteTypes.KAFKA)(handler)
        with pytest.raises(ConfigurationError, match=r"runs already: declare hooks before app"):
            counting.run_on_startup(handler)
    counting.route(["more"], type=RouteTypes.KAFKA)(handler)


async def test_an_app_without_routes_runs_until_it_is_stopped(serve):
    app = App()
    app.run_on_startup(lambda app: asyncio.get_running_loop().call_soon(app.shutdown))
    await serve(app)


def test_shutdown_of_an_app_that_does_not_run_does_nothing(counting):
    counting.shutdown()
    counting.run()
    assert counting["runs"] == 1


@pytest.mark.parametrize("debug", ["", "1"], ids=["plain", "debug"])
async def test_shutdown_works_from_another_thread(worker, debug):
    script = """
        import asyncio, threading
        from asyncworker import App
        app = App()

        @app.run_on_startup
        async def later(app):
            loop = asyncio.get_running_loop()
            # On a busy machine anything is slow; debug mode is here for what it forbids.
            loop.slow_callback_duration = float("inf")
            loop.call_later(0.1, start)

        def start():
            print("stopping", flush=True)
            thread = threading.Thread(target=app.shutdown)
            thread.start()
            thread.join()

        app.run()
        print("ended", flush=True)
    """
    process = await worker(script, PYTHONASYNCIODEBUG=debug)
    # The start of a process takes seconds on a busy machine; only its end is limited.
    await process.printed("stopping")
    result = await process.end(limit=5)
    assert (result.code, result.log) == (0, [])
    assert result.output[-1] == "ended"


async def test_shutdown_works_from_a_startup_hook(app, serve):
    after = []
    app.run_on_startup(lambda app: app.shutdown())
    app.run_on_shutdown(after.append)
    await serve(app)
    assert after == [app]


async def test_shutdown_may_be_called_often(app, serve):
    @app.route(["orders"], type=RouteTypes.KAFKA)
    async def handle(_):
        for _ in range(5):
            app.shutdown()

    @app.run_on_shutdown
    async def again(app):
        app.shutdown()

    await serve(app)


# Types


def test_the_public_api_is_known_to_type_checkers(tmp_path):
    snippet = tmp_path / "snippet.py"
    snippet.write_text(
        dedent("""\
        from asyncworker import App, Events, Actions, Options, RouteTypes

        app = App()

        @app.route(["a"], type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 1})
        @app.route(["b"], type=RouteTypes("sse"), options={Events.ON_SUCCESS: Actions.ACK})
        async def handler(items: list[int]) -> str:
            return "done"

        @app.run_on_startup
        async def hook(app: App) -> None:
            app["redis"] = 1

        reveal_type(handler)
        reveal_type(hook)
        app.route(["a"], type=RouteTypes.AMPQ)
        app.route(["a"], type=RouteTypes.HTTP)(5)
        [member.name for member in RouteTypes]
        RouteTypes.SSE in RouteTypes
        app.rout(["a"])
        app.http.get("/")(handler)
        app.http.gett("/")
        """)
    )
    output, errors, status = api.run(["--config-file", str(ROOT / "mypy.ini"), str(snippet)])
    assert (errors, status) == ("", 1)
    output = output.replace("typing.", "")
    found = [
        line.partition(":")[2].replace("asyncworker.app.", "") for line in output.splitlines()[:-1]
    ]
    assert found == [
        '14: note: Revealed type is "def (items: list[int]) -> Coroutine[Any, Any, str]"',
        '15: note: Revealed type is "def (app: App) -> Coroutine[Any, Any, None]"',
        '16: error: "RouteTypeRegistry" has no attribute "AMPQ"  [attr-defined]',
        '17: error: Value of type variable "H" of function cannot be "int"  [type-var]',
        '20: error: "App" has no attribute "rout"; maybe "route" or "routes"?  [attr-defined]',
        '22: error: "HTTP" has no attribute "gett"; maybe "get"?  [attr-defined]',
    ]
