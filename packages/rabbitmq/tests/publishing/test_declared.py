"""What routes declare is there for whoever publishes: hooks, schedules, each connection, vhost."""

import asyncio
import uuid

import aio_pika
import pytest
from aio_pika.exceptions import ChannelNotFoundEntity

from asyncworker import App, Blueprint, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import AMQPConnection, Binding, Exchange, Message, Queue
from asyncworker.testing import TestApp
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.usefixtures("path")

AMQP = RouteTypes.AMQP_RABBITMQ


@pytest.fixture
def name():
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def vhost(request, amqp_url, name):
    """One beside that of the connection."""
    if not amqp_url.startswith("memory:"):
        request.getfixturevalue("private_node").add_vhost(name)
    return name


@pytest.fixture
async def connection(amqp_url, name):
    async with AMQPConnection(url=amqp_url) as connection:
        yield connection
        async with connection.channel() as channel:
            await channel.queue_delete(name)


async def is_there(connection, queue):
    try:
        async with connection.channel() as channel:
            await channel.declare_queue(queue, passive=True)
    except ChannelNotFoundEntity:
        return False
    return True


async def test_a_startup_hook_publishes_to_all_vhosts_by_each_connection(
    amqp_url, name, vhost, inbox
):
    connections = [AMQPConnection(url=amqp_url, name=one) for one in ("first", "second")]
    app = App(connections=connections)

    @app.run_on_startup
    async def announce(app):
        for number, connection in enumerate(connections):
            await connection.put(number, name)
            await connection.put_many([Message(number + 2, name)], vhost=vhost)

    @app.run_on_shutdown
    async def clean(app):
        for place in ("/", vhost):
            async with connections[0].channel(vhost=place) as channel:
                await channel.queue_delete(name)

    app.route([Queue(name)], type=AMQP, connection="first")(inbox)
    app.route([Queue(name)], type=AMQP, connection="second", vhost=vhost)(inbox)
    async with app.started():
        assert await inbox.bodies(4) == [0, 1, 2, 3]


async def test_a_startup_hook_publishes_to_what_a_later_route_binds_to(
    connection, app, name, inbox
):
    exchange = Exchange(name, "topic")

    @app.run_on_startup
    async def announce(app):
        await connection.put(1, "orders.new", name)

    app.route([Queue(name, bind=[Binding(exchange, "orders.#")])], type=AMQP)(inbox)
    async with app.started():
        assert await inbox.bodies(1) == [1]
    async with connection.channel() as channel:
        await channel.exchange_delete(name)


async def test_a_schedule_publishes_to_what_routes_declare(connection, app, name, inbox):
    app.route([Queue(name)], type=AMQP)(inbox)

    @app.run_every(3600)
    async def feed():
        await connection.put("tick", name)

    async with app.started():
        assert await inbox.bodies(1) == ["tick"]


async def test_hooks_and_schedules_publish_in_a_test_app_too(name, inbox):
    connections = [AMQPConnection(url=f"memory://{name}", name=one) for one in ("a", "b")]
    app = App(connections=connections)
    app.route([Queue(name)], type=AMQP, connection="a", vhost="other")(inbox)

    @app.run_on_startup
    async def announce(app):
        await connections[1].put("hook", name, vhost="other")

    @app.run_every(3600)
    async def feed():
        await connections[1].put("tick", name, vhost="other")

    async with TestApp(app):
        assert await inbox.bodies(2) == ["hook", "tick"]


async def test_another_list_of_hosts_of_the_same_broker_is_the_same_broker(private_node, name):
    port = private_node.port
    one = AMQPConnection(f"127.0.0.1:{port}", name="one")
    other = AMQPConnection([f"127.0.0.1:{port}", f"localhost:{port}"], name="other")
    app = App(connections=[one, other])
    app.route([Queue(name)], type=AMQP, connection="one")(print)
    async with other:
        await other.put(1, name)
        async with other.channel() as channel:
            await channel.queue_delete(name)


async def test_what_could_not_be_included_is_declared_by_nobody(connection, app, name):
    good, bad = Blueprint(), Blueprint()
    declared = f"{name}-not"
    bad.route([Queue(declared)], type=AMQP)(print)
    bad.route([Queue(f"{declared}-2")], type=AMQP, connection="missing")(print)
    good.route([Queue(name)], type=AMQP)(print)
    with pytest.raises(ConfigurationError, match="'missing' is no AMQPConnection"):
        app.include(bad)
    app.include(good)
    await connection.put(1, name)

    assert await is_there(connection, name)
    assert not await is_there(connection, declared)


async def test_what_a_broker_lost_that_was_away_is_declared_again(private_node, name):
    """A schedule may be there sooner than what consumes."""
    async with (
        await aio_pika.connect(private_node.url) as admin,
        admin.channel() as channel,
        Proxy.to(private_node.port) as proxy,
        AMQPConnection(f"127.0.0.1:{proxy.port}") as connection,
    ):
        app = App(connections=[connection])
        app.route([Queue(name)], type=AMQP)(print)
        await connection.put(1, name)
        await channel.queue_delete(name)
        proxy.cut()
        await connection.put(2, name)
        await asyncio.gather(connection.put(3, name), connection.put_many([Message(4, name)]))
        assert (await channel.queue_delete(name)).message_count == 3
