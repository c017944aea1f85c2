"""What is said of a stream, and cannot be."""

from datetime import UTC, datetime, timedelta

import pytest

from asyncworker import Actions, App, Events, FileCursor, Options, Rate, RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import AMQPConnection, Consumer, Queue, Retry, Split

STREAM = Queue("visits", type="stream")


def refusal(*queues, options=None, **said):
    app = App(connections=[AMQPConnection(url="memory://")])

    async def handler(messages): ...

    with pytest.raises(ConfigurationError) as raised:
        app.route(list(queues), type=RouteTypes.AMQP_RABBITMQ, options=options, **said)(handler)
    return str(raised.value)


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        ("latest", "offset='latest' is unknown: "),
        (-1, "offset must be 'next', 'first', 'last', a number from 0, a datetime, or a timedelta"),
        (2**63, "offset must be"),
        (True, "offset must be"),
        (1.5, "offset must be"),
        (timedelta(), "is how long ago it was published: give it more than 0"),
        (timedelta(days=-1), "give it more than 0"),
        (datetime(2026, 1, 1), "has no time zone: write datetime(..., tzinfo=UTC)"),  # noqa: DTZ001
    ],
)
def test_an_offset_is_one_of_these(offset, said):
    assert said in refusal(STREAM, offset=offset)


@pytest.mark.parametrize(
    "offset", ["next", "first", "last", 0, timedelta(days=1), datetime.now(UTC)]
)
def test_these_are_offsets(offset):
    app = App(connections=[AMQPConnection(url="memory://")])
    app.route([STREAM, "others"], type=RouteTypes.AMQP_RABBITMQ, offset=offset)(print)
    assert app.routes[0].start.offset == offset


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({Events.ON_EXCEPTION: Actions.REQUEUE}, "Events.ON_EXCEPTION: a stream takes nothing"),
        ({Events.ON_EXCEPTION: Retry(then=Actions.REQUEUE)}, "Events.ON_EXCEPTION: a stream"),
        ({Events.ON_EXCEPTION: Split(then=Actions.REQUEUE)}, "Events.ON_EXCEPTION: a stream"),
        ({Events.ON_EXCEPTION: {OSError: Actions.REQUEUE}}, "Events.ON_EXCEPTION: a stream"),
        ({Events.ON_SUCCESS: Actions.REQUEUE}, "Events.ON_SUCCESS: a stream takes nothing back"),
        ({Events.ON_INVALID: Actions.REQUEUE}, "Events.ON_INVALID: a stream takes nothing back"),
        ({Events.ON_INVALID: Retry()}, "what cannot be decoded stays as it is in a stream"),
        (
            {Options.RATE: Rate(5, shared=True)},
            "Options.RATE: each of a stream's readers reads all of it: leave shared out",
        ),
        (
            {Options.ORDER_BY: "key", Options.ORDER_ON_FAILURE: "pass"},
            "'pass' has messages wait in the broker, which a stream cannot",
        ),
    ],
)
def test_nothing_goes_back_to_a_stream(options, said):
    assert said in refusal(STREAM, options=options)
    assert said in refusal("visits", options=options, offset="first")


@pytest.mark.parametrize(
    "consumer", [Consumer(priority=1), Consumer(exclusive=True), Consumer(timeout=5)]
)
def test_its_consumers_are_all_alike(consumer):
    assert "a stream has consumers without priority=, exclusive=" in refusal(
        STREAM, consumer=consumer
    )


def test_an_offset_is_said_once():
    consumer = Consumer(arguments={"x-stream-offset": "first"})
    assert "say offset= on the route in place of it" in refusal(STREAM, consumer=consumer)


def test_a_route_is_of_streams_or_of_queues():
    assert "queue 'visits' is a stream and queue 'orders' is not: write a route for each" in (
        refusal(STREAM, Queue("orders"))
    )
    assert "offset= is about streams, and queue 'orders' is none: declare it as Queue('orders'" in (
        refusal(Queue("orders"), offset="first")
    )
    assert "cursor= is about streams" in refusal(Queue("orders"), cursor=FileCursor("x"))


def test_a_cursor_is_of_one_stream():
    assert "the route reads 2: write a route for each" in refusal("a", "b", cursor=FileCursor("x"))
    assert "cursor must be a FileCursor, or an object with" in refusal("a", cursor=FileCursor)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"durable": False}, "is durable and stays: leave out durable=False"),
        ({"auto_delete": True}, "is durable and stays: leave out auto_delete=True"),
        ({"ttl": 5}, "keeps messages for max_age=: leave out ttl=5"),
        ({"max_length": 5}, "keeps as many messages as max_bytes= and max_age= let it"),
        ({"dead_letter": True}, "takes nothing back that it could dead-letter"),
        ({"single_active_consumer": True}, "has all of its readers read all of it"),
        ({"max_priority": 5}, "keeps messages in the order in which they came"),
        ({"max_age": 0}, "max_age must be a number of seconds from 1"),
        ({"max_age": "7D"}, "max_age must be a number of seconds from 1"),
        ({"max_bytes": 0}, "max_bytes must be an int from 1"),
    ],
)
def test_a_stream_is_not_what_queues_are(said, reason):
    with pytest.raises(ConfigurationError) as raised:
        Queue("visits", type="stream", **said)
    assert reason in str(raised.value)


def test_only_a_stream_has_an_age():
    with pytest.raises(ConfigurationError, match="max_age is for streams: give it type='stream'"):
        Queue("orders", max_age=5)


def test_what_is_declared():
    assert Queue("visits", type="stream", max_age=90.5, max_bytes=10).all_arguments == {
        "x-queue-type": "stream",
        "x-max-age": "91s",
        "x-max-length-bytes": 10,
    }
    assert Queue("orders", max_bytes=10).all_arguments == {"x-max-length-bytes": 10}
