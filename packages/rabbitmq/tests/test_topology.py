"""Queues, exchanges and bindings as objects."""

import dataclasses

import pytest

from asyncworker import RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import Binding, Exchange, Queue, RabbitMQMessage

BAD = {
    "no name": (lambda: Queue(""), "queue: name must be a non-empty string, got ''"),
    "a number for a name": (lambda: Queue(5), "queue: name must be a string, got 5"),
    "a long name": (lambda: Queue("é" * 128), "queue: name has at most 255 bytes, got "),
    "a name of two lines": (lambda: Queue("a\nb"), "queue: name must be of one line, got 'a\\nb'"),
    "a reserved name": (
        lambda: Exchange("amq.topic"),
        (
            "exchange: name 'amq.topic' is the broker's own, as all that begin with amq.: "
            "give it as a string"
        ),
    ),
    "a long name with True": (
        lambda: Queue("a" * 253, dead_letter=True),
        "queue: name has at most 255 bytes, got ",
    ),
    "an unknown type": (
        lambda: Queue("orders", type="qorum"),
        "queue 'orders': type 'qorum' is unknown: did you mean quorum? choose from classic, quorum",
    ),
    "a quorum queue that goes": (
        lambda: Queue("orders", type="quorum", durable=False),
        (
            "queue 'orders': a quorum queue is durable and stays: "
            "leave out durable= and auto_delete="
        ),
    ),
    "ttl": (
        lambda: Queue("orders", ttl=0),
        "queue 'orders': ttl must be a number of seconds from 0.001 to 3888000, got 0",
    ),
    "max_length": (
        lambda: Queue("orders", max_length=0),
        "queue 'orders': max_length must be an int from 1 to 2147483647, got 0",
    ),
    "max_priority": (
        lambda: Queue("orders", max_priority=256),
        "queue 'orders': max_priority must be an int from 1 to 255, got 256",
    ),
    "max_priority of a quorum queue": (
        lambda: Queue("orders", type="quorum", max_priority=5),
        "queue 'orders': a quorum queue has priorities by itself: leave out max_priority=",
    ),
    "single_active_consumer": (
        lambda: Queue("orders", single_active_consumer=1),
        "queue 'orders': single_active_consumer must be True or False, got 1",
    ),
    "durable": (
        lambda: Queue("orders", durable="yes"),
        "queue 'orders': durable must be True or False, got 'yes'",
    ),
    "one binding": (
        lambda: Queue("orders", bind=Binding("events")),
        "queue 'orders': bind must be a list: write bind=[Binding(...)]",
    ),
    "bind": (
        lambda: Queue("orders", bind="events"),
        "queue 'orders': bind must be a list, got 'events'",
    ),
    "in bind": (
        lambda: Queue("orders", bind=["events"]),
        "queue 'orders': bind must hold Bindings, got 'events'",
    ),
    "dead_letter": (
        lambda: Queue("orders", dead_letter=5),
        "queue 'orders': dead_letter must be True, a queue's name, a Queue or an Exchange, got 5",
    ),
    "arguments": (
        lambda: Queue("orders", arguments=[]),
        "queue 'orders': arguments must be a dict, got []",
    ),
    "an argument's name": (
        lambda: Queue("orders", arguments={5: 1}),
        "queue 'orders': the names in arguments are strings of up to 128, got 5",
    ),
    "an argument": (
        lambda: Queue("orders", arguments={"x": object}),
        "queue 'orders': argument 'x' has no AMQP form: ",
    ),
    "said twice": (
        lambda: Queue("orders", ttl=1, arguments={"x-message-ttl": 5}),
        (
            "queue 'orders': arguments hold 'x-message-ttl' = 5, and so does another parameter: "
            "say it once"
        ),
    ),
    "an exchange's type": (
        lambda: Exchange("events", "topics"),
        (
            "exchange 'events': type 'topics' is unknown: did you mean topic? "
            "choose from direct, fanout, headers, topic"
        ),
    ),
    "a routing key": (
        lambda: Binding("events", 5),
        "binding: routing_key must be a string, got 5",
    ),
    "a binding's exchange": (lambda: Binding(5), "exchange: name must be a string, got 5"),
}


@pytest.mark.parametrize("case", BAD)
def test_refuses_what_cannot_be_in_one_line_where_it_is_made(case):
    make, complaint = BAD[case]
    with pytest.raises(ConfigurationError) as raised:
        make()
    assert str(raised.value).startswith(complaint)


def test_cannot_be_changed_and_can_be_compared():
    bindings = [Binding("events", "a")]
    queue = Queue("orders", bind=bindings, arguments={"x-max-priority": 5})
    bindings.clear()
    assert queue == Queue("orders", bind=[Binding("events", "a")], arguments={"x-max-priority": 5})
    assert len({queue, Queue("orders")}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        queue.name = "other"
    with pytest.raises(TypeError):
        queue.arguments["x"] = 1


@pytest.mark.parametrize(
    ("routes", "complaint"),
    [
        ([Queue("a"), "a"], "'a' is in routes twice"),
        (
            [Exchange("a")],
            "each of routes must be a non-empty string or a Queue or a Shards, got Exchange(",
        ),
        ([RabbitMQMessage], "each of routes must be a non-empty string, got <class"),
    ],
)
def test_a_route_takes_names_and_queues_alone(app, inbox, routes, complaint):
    with pytest.raises(ConfigurationError) as raised:
        app.route(routes, type=RouteTypes.AMQP_RABBITMQ)(inbox)
    assert str(raised.value).startswith(complaint)
