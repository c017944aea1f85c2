"""What Shards say, and what they refuse."""

import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import (
    AMQPConnection,
    Binding,
    Consumer,
    Exchange,
    Queue,
    Shards,
    TopologyMismatch,
)
from asyncworker.testing import TestApp

ORDERS = Queue("orders")
BAD = {
    "a name": (
        lambda: Shards("orders", 8, by="customer"),
        (
            "Shards: the first is the Queue to divide, got 'orders': "
            "write Shards(Queue('orders'), 8, by='customer')"
        ),
    ),
    "none": (
        lambda: Shards(ORDERS, 0, by="customer"),
        "shards of queue 'orders': count must be an int from 1 to 256, got 0",
    ),
    "too many": (
        lambda: Shards(ORDERS, 257, by="customer"),
        "shards of queue 'orders': count must be an int from 1 to 256, got 257",
    ),
    "True": (
        lambda: Shards(ORDERS, True, by="customer"),
        "shards of queue 'orders': count must be an int from 1 to 256, got True",
    ),
    "by a function": (
        lambda: Shards(ORDERS, 8, by=len),
        (
            "shards of queue 'orders': by must be the name of a header, of up to 128 characters, "
            f"got {len!r}"
        ),
    ),
    "by nothing": (
        lambda: Shards(ORDERS, 8, by=""),
        (
            "shards of queue 'orders': by must be the name of a header, of up to 128 characters, "
            "got ''"
        ),
    ),
    "a long name": (
        lambda: Shards(Queue("o" * 240), 8, by="customer"),
        f"shards of queue '{'o' * 240}': name has at most 227 bytes, got '{'o' * 240}'",
    ),
    "an exchange": (
        lambda: Shards(ORDERS, 8, by="customer", exchange=Exchange("orders")),
        (f"shards of queue 'orders': exchange: name must be a string, got {Exchange('orders')!r}"),
    ),
    "a stream": (
        lambda: Shards(Queue("orders", type="stream"), 8, by="customer"),
        "shards of queue 'orders': a stream is no queue: all of its readers read all of it",
    ),
    "a type among the arguments": (
        lambda: Shards(Queue("orders", arguments={"x-queue-type": "quorum"}), 8, by="customer"),
        (
            "shards of queue 'orders': say type='quorum' of the Queue in place of the argument "
            "'x-queue-type'"
        ),
    ),
    "no limit": (
        lambda: Shards(Queue("orders", type="quorum", delivery_limit=-1), 8, by="customer"),
        (
            "shards of queue 'orders': without any x-delivery-limit, a quorum queue puts what "
            "comes back behind all others: leave delivery_limit=-1 out"
        ),
    ),
    "a binding": (
        lambda: Shards(Queue("orders", bind=[Binding("events")]), 8, by="customer"),
        (
            "shards of queue 'orders': they are bound to their exchange 'orders': leave bind= out, "
            "and bind that exchange to where messages come from"
        ),
    ),
    "auto_delete": (
        lambda: Shards(Queue("orders", auto_delete=True), 8, by="customer"),
        (
            "shards of queue 'orders': a shard has no consumer as it is handed over, and would be "
            "deleted with its messages: leave out auto_delete=True"
        ),
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_refuses(case):
    make, message = BAD[case]
    with pytest.raises(ConfigurationError) as error:
        make()
    assert str(error.value) == message


def routed(routes, **given):
    app = App(connections=[AMQPConnection(url="memory://")])
    app.route(routes, type=RouteTypes.AMQP_RABBITMQ, **given)(_handler)
    return app.routes[0]


async def _handler(messages): ...


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"routes": [Shards(ORDERS, 2, by="customer"), "refunds"]},
            (
                "shards of queue 'orders' are all that a route consumes: write another route for "
                "what is beside them"
            ),
        ),
        (
            {"consumer": Consumer(exclusive=True)},
            (
                "shards of queue 'orders' have a single active consumer each: leave out "
                "exclusive=True of consumer="
            ),
        ),
        ({"once": True}, "a RouteTypes.AMQP_RABBITMQ route takes no 'once': "),
        (
            {"offset": "first"},
            "offset= is about streams, and queue 'orders.0' is none: ",
        ),
        (
            {"options": {Options.BULK_SIZE: 5, Options.BULK_BY: "country"}},
            "Options.BULK_BY and Options.ORDER_BY are two keys: ",
        ),
    ],
)
def test_routes_refuse(given, message):
    routes = given.pop("routes", [Shards(ORDERS, 2, by="customer")])
    with pytest.raises(ConfigurationError) as error:
        routed(routes, **given)
    assert str(error.value).startswith(message)


def test_each_shard_is_like_the_queue():
    shards = Shards(Queue("orders", type="quorum", dead_letter=True, ttl=60), 3, by="customer")
    route = routed([shards])
    assert route.routes == ("orders.0", "orders.1", "orders.2")
    hashing = Exchange("orders", "x-consistent-hash", arguments={"hash-header": "customer"})
    for queue in route.declared:
        assert queue.single_active_consumer
        assert (queue.type, queue.ttl, queue.delivery_limit) == ("quorum", 60, 1_000_000)
        assert queue.bind == (Binding(hashing, "1"),)
        assert queue.dead_queue == Queue("orders.dead", "quorum")


def test_the_type_is_that_of_the_queue_or_classic():
    assert Shards(ORDERS, 1, by="customer").queues[0].type == "classic"


def test_a_limit_that_is_said_stays():
    shards = Shards(Queue("orders", type="quorum", delivery_limit=5), 1, by="customer")
    assert [queue.delivery_limit for queue in shards.queues] == [5]


def test_the_exchange_may_have_another_name():
    shards = Shards(ORDERS, 2, by="customer", exchange="sales")
    assert [queue.bind[0].exchange_name for queue in shards.queues] == ["sales", "sales"]


def test_the_type_of_the_route_is_known_by_it():
    app = App(connections=[AMQPConnection(url="memory://")])
    app.route([Shards(ORDERS, 2, by="customer")])(_handler)
    assert app.routes[0].type == RouteTypes.AMQP_RABBITMQ


async def test_an_app_under_test_has_all_shards():
    app = App(connections=[AMQPConnection(url="memory://")])
    handled = []

    @app.route([Shards(ORDERS, 4, by="customer")], type=RouteTypes.AMQP_RABBITMQ)
    async def store(messages):
        handled.extend((one.headers["customer"], one.body, one.queue) for one in messages)

    async with TestApp(app) as worker:
        for number in range(40):
            customer = f"c{number % 10}"
            await worker.publish(number, exchange="orders", headers={"customer": customer})
        await worker.idle()
        await worker.lose_connection()
        await worker.publish(40, exchange="orders", headers={"customer": "c0"})
        await worker.idle()
        await worker.advance(5)
    assert len(handled) == 41
    for customer in {one for one, _, _ in handled}:
        numbers = [number for one, number, _ in handled if one == customer]
        assert numbers == sorted(numbers)
        assert len({queue for one, _, queue in handled if one == customer}) == 1


async def test_a_broker_without_the_plugin_is_told_of_in_one_line(amqp_url):
    """Of this one, no RabbitMQ has the plugin by itself."""
    app = App(connections=[AMQPConnection(url=amqp_url)])
    delayed = Binding(Exchange("tests-delayed", "x-delayed-message"))
    app.route([Queue("tests-delayed", bind=[delayed])], type=RouteTypes.AMQP_RABBITMQ)(_handler)
    plugin = "rabbitmq_delayed_message_exchange"
    with pytest.raises(TopologyMismatch) as error:
        async with app.started():
            pass
    assert str(error.value) == (
        "exchange 'tests-delayed': this RabbitMQ knows no exchange of type 'x-delayed-message' "
        f"until its plugin {plugin} is enabled: rabbitmq-plugins enable {plugin}"
    )
