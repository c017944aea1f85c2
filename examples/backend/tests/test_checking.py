"""What `asyncworker check` and declarations tell."""

import pytest

from asyncworker import Actions, App, Events, Options, Rate, RouteTypes
from asyncworker.backend import Remark, load_backend
from asyncworker.errors import ConfigurationError
from asyncworker_redis import RedisConnection
from scripts.rabbitmq.probe import free_ports


@pytest.fixture
def app(connection):
    return App(connections=[connection])


async def check(app):
    return await load_backend(RouteTypes.REDIS).check(app, app.routes)


async def test_a_group_that_is_missing_is_a_remark(app, redis, inbox):
    app.route(["orders"], group="billing")(inbox)
    [line] = await check(app)
    assert isinstance(line, Remark)
    assert line == "stream 'orders': the first start makes group 'billing'"
    await redis.xgroup_create("orders", "billing", mkstream=True)
    assert await check(app) == []


async def test_what_is_no_stream_is_a_problem(app, redis, inbox):
    await redis.set("orders", "text")
    app.route(["orders"])(inbox)
    [line] = await check(app)
    assert not isinstance(line, Remark)
    assert line.startswith("RedisConnection('127.0.0.1:")
    assert "stream 'orders': WRONGTYPE" in line


async def test_a_redis_that_is_down_is_a_problem(inbox):
    [port] = free_ports(1)
    app = App(connections=[RedisConnection(f"redis://:secret@127.0.0.1:{port}")])
    [line] = await check(app)
    assert line.startswith(f"RedisConnection('127.0.0.1:{port}'): ")
    assert "secret" not in line


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"group": ""}, "group must be a non-empty string, got ''"),
        ({"dead": 3}, "dead must be a non-empty string, got 3"),
        ({"queue": "x"}, "a RouteTypes.REDIS route takes no 'queue'"),
        ({"options": {Options.RATE: Rate(1, shared=True)}}, "Options.RATE: nobody knows who else"),
        ({"options": {Options.CODEC: "nonsense"}}, "Options.CODEC: must be a codec"),
        ({"options": {Events.ON_EXCEPTION: "ack"}}, "Events.ON_EXCEPTION: .* got 'ack'"),
        ({"options": {Options.BULK_BY: "tenant"}}, "Options.BULK_BY is about what a batch holds"),
        ({"connection": "other"}, "connection='other' is no RedisConnection of this app"),
    ],
)
def test_a_mistake_is_an_error_where_it_is_written(app, inbox, arguments, reason):
    with pytest.raises(ConfigurationError, match=reason):
        app.route(["orders"], type=RouteTypes.REDIS, **arguments)(inbox)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({}, "RedisConnection needs url=, or set ASYNCWORKER_REDIS_URL"),
        ({"url": "http://:secret@host"}, "url cannot be read: write redis://"),
        ({"url": 5}, "url cannot be read"),
        ({"url": "redis://host", "prefetch": 0}, "prefetch must be an int above 0, got 0"),
        (
            {"url": "redis://host", "claim_after": "1"},
            "claim_after must be seconds above 0, got '1'",
        ),
    ],
)
def test_a_connection_is_checked(arguments, reason):
    with pytest.raises(ConfigurationError, match=reason) as raised:
        RedisConnection(**arguments)
    assert "secret" not in str(raised.value)


def test_the_environment_says_where_it_is(monkeypatch):
    monkeypatch.setenv("ASYNCWORKER_REDIS_URL", "redis://user:secret@elsewhere:7000/2")
    app = App(connections=[RedisConnection(name="orders")])
    assert repr(app.connections["orders"]) == "RedisConnection('elsewhere:7000')"
    monkeypatch.setenv("ASYNCWORKER_REDIS_URI", "redis://elsewhere")
    with pytest.raises(ConfigurationError, match="did you mean ASYNCWORKER_REDIS_URL"):
        App()


def test_a_route_may_say_what_becomes_of_messages(app, inbox):
    options = {Events.ON_SUCCESS: Actions.REJECT, Options.CODEC: "text", Options.BULK_SIZE: 1000}
    app.route(["orders"], options=options, group="billing", dead="dead")(inbox)
    [route] = app.routes
    assert (route.group, route.dead, route.prefetch, route.concurrency) == (
        "billing",
        "dead",
        1000,
        1,
    )
    assert route.options.on_success is Actions.REJECT
