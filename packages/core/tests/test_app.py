from collections.abc import MutableMapping
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent

import pytest
from mypy import api

from asyncworker import App, RouteTypes
from asyncworker.errors import BackendNotInstalled, ConfigurationError

ROOT = Path(__file__).parents[3]


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
        '22: error: "HTTP" has no attribute "gett"  [attr-defined]',
    ]
