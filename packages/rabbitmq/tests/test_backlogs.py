"""What waits in the queues of routes, for whoever scales by it."""

import pytest

from asyncworker import App, Options, Rate, RouteTypes
from asyncworker.backend import Scaling, load_backend
from asyncworker.rabbitmq import AMQPConnection, Consumer, Queue, Shards

NEXT = "a stream, of which each replica reads all"


def backlogs_of(*routes, connections=(), options=None, **more):
    app = App(connections=connections or [AMQPConnection(url="memory://", prefetch=40)])
    app.route(list(routes), type=RouteTypes.AMQP_RABBITMQ, options=options, **more)(handle)
    backend = load_backend(RouteTypes.AMQP_RABBITMQ)
    assert isinstance(backend, Scaling)
    return backend.backlogs(app, app.routes)


async def handle(messages):
    pass


def test_there_is_one_for_each_queue():
    first, second = backlogs_of("orders", Queue("refunds"), vhost="shop")
    assert (first.source, second.source) == ("orders", "refunds")
    assert first.route is second.route
    assert first.trigger.metadata == {
        "protocol": "amqp",
        "queueName": "orders",
        "vhostName": "shop",
        "mode": "QueueLength",
    }
    assert first.trigger.variable == "ASYNCWORKER_AMQP_URL"


def test_each_shard_has_one():
    found = backlogs_of(Shards(Queue("orders"), 3, by="customer"))
    assert [one.source for one in found] == ["orders.0", "orders.1", "orders.2"]
    assert all(one.trigger is not None for one in found)


@pytest.mark.parametrize(
    ("options", "more", "batches"),
    [
        ({}, {}, 40),
        ({Options.BULK_SIZE: 12}, {}, 3),
        ({Options.BULK_SIZE: 12}, {"prefetch": 24}, 2),
        ({Options.MAX_CONCURRENCY: 7}, {}, 7),
    ],
    ids=["prefetch", "bulk", "prefetch of the route", "the most"],
)
def test_batches_are_as_many_as_are_handled_side_by_side(options, more, batches):
    [backlog] = backlogs_of("orders", options=options, **more)
    assert (backlog.batches, backlog.bulk_size) == (batches, options.get(Options.BULK_SIZE, 1))


@pytest.mark.parametrize(
    ("rate", "per_second"),
    [(Rate(30, per=60), 0.5), (Rate(30, by="customer"), None)],
    ids=["of all", "of each customer"],
)
def test_a_rate_is_a_limit_unless_each_key_has_its_own(rate, per_second):
    [backlog] = backlogs_of("orders", options={Options.RATE: rate})
    assert backlog.per_second == per_second


@pytest.mark.parametrize(
    ("queue", "more", "reason"),
    [
        (Queue("a", type="stream"), {}, NEXT),
        (Queue("a", arguments={"x-queue-type": "stream"}), {}, NEXT),
        ("a", {"offset": "first"}, NEXT),
        (
            Queue("a", single_active_consumer=True),
            {},
            "has a single active consumer",
        ),
        (
            "a",
            {"consumer": Consumer(exclusive=True)},
            "is consumed by one replica alone (exclusive)",
        ),
        (
            "a",
            {"options": {Options.RATE: Rate(1, shared=True)}},
            "has a rate that all replicas share",
        ),
    ],
)
def test_what_more_consumers_would_not_help_has_no_trigger(queue, more, reason):
    [backlog] = backlogs_of(queue, **more)
    assert (backlog.trigger, backlog.reason) == (None, reason)


def test_the_variable_of_one_of_several_brokers_is_called_after_it():
    connections = [
        AMQPConnection(url="memory://a", name="eu-west.1"),
        AMQPConnection(url="memory://b"),
    ]
    for connection, variable in zip(
        connections, ["EU_WEST_1_AMQP_URL", "ASYNCWORKER_AMQP_URL"], strict=True
    ):
        [backlog] = backlogs_of("orders", connections=connections, connection=connection)
        assert backlog.trigger.variable == variable
