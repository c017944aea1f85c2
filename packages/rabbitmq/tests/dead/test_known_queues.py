"""What an app tells of where its dead letters go."""

import pytest

from asyncworker import App, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import AMQPConnection, Exchange, Queue
from asyncworker.rabbitmq.dead import DeadQueue, dead_queues
from asyncworker.rabbitmq.dead.known_queues import dead_queue, unknown_places


async def handler(messages):
    raise AssertionError("called")


def app_of(*queues, connections=None, vhosts=("/",)):
    app = App(connections=connections or [AMQPConnection(url="memory://known")])
    for vhost in vhosts:
        for connection in app.connections.all:
            options = {"connection": connection, "vhost": vhost}
            app.route(list(queues), type=RouteTypes.AMQP_RABBITMQ, **options)(handler)
    return app


def known(app):
    return [(one.name, one.sources) for one in dead_queues(app)]


def test_an_app_tells_of_each_queue_once():
    parked = Queue("parked")
    app = app_of(
        Queue("orders", dead_letter=True),
        Queue("refunds", dead_letter="orders.dead"),
        Queue("letters", dead_letter=Queue("letters.dead", dead_letter=parked)),
        Queue("plain"),
        Queue("fanned", dead_letter=Exchange("dlx")),
        "named",
    )
    assert known(app) == [
        ("orders.dead", ("orders", "refunds")),
        ("letters.dead", ("letters",)),
        ("parked", ("letters.dead",)),
    ]
    assert unknown_places(app) == [
        "queue 'fanned', vhost '/': it dead-letters to exchange 'dlx', whose queues are not known",
        (
            "queue 'named', vhost '/': it is not declared by the app, which cannot tell of its "
            "dead letters"
        ),
    ]


def test_an_app_without_dead_letters_tells_of_none():
    app = app_of(Queue("orders"))
    assert (known(app), unknown_places(app)) == ([], [])
    with pytest.raises(ConfigurationError, match="no route declares a dead_letter"):
        dead_queue(app, "orders.dead")


def test_what_is_not_known_is_taken_where_the_app_does_not_tell_all():
    app = app_of("orders")
    assert dead_queue(app, "any.dead").name == "any.dead"
    with pytest.raises(ConfigurationError, match="is consumed by handler handler"):
        dead_queue(app, "orders")


def test_several_of_one_name_are_told_apart_by_vhost_and_by_connection():
    queue = Queue("orders", dead_letter=True)
    app = app_of(queue, vhosts=("/", "other"))
    with pytest.raises(ConfigurationError, match="there are several queues"):
        dead_queue(app, "orders.dead")
    assert dead_queue(app, "orders.dead", "other").vhost == "other"

    connections = [AMQPConnection(url=f"memory://{one}", name=one) for one in ("here", "there")]
    app = app_of(queue, connections=connections)
    assert dead_queue(app, "orders.dead", connection="there").connection is connections[1]
    app = app_of("orders", connections=connections)
    with pytest.raises(ConfigurationError, match="queue 'x': say where it is: AMQPConnection"):
        dead_queue(app, "x")
    assert dead_queue(app, "x", connection="here").connection is connections[0]


@pytest.mark.parametrize(
    ("connection", "queue", "reason"),
    [
        (None, "orders", "DeadQueue needs an AMQPConnection, got None"),
        (AMQPConnection(url="memory://known"), "", "name must be a non-empty string"),
        (AMQPConnection(url="memory://known"), 3, "name must be a string"),
    ],
)
def test_a_bad_queue_is_told_at_once(connection, queue, reason):
    with pytest.raises(ConfigurationError, match=reason):
        DeadQueue(connection, queue)
