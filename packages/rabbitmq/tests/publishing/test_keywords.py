"""Properties by name: of put() and of Message, as another client sees them."""

import copy
import dataclasses
import pickle
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from asyncworker import RouteTypes
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import Message
from asyncworker.rabbitmq.publishing.keywords import milliseconds

pytestmark = pytest.mark.usefixtures("path")

NAIVE = datetime(2034, 1, 1)  # noqa: DTZ001
MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=-3)))
ALL = {
    "message_id": "m-1",
    "correlation_id": "c-1",
    "reply_to": "answers",
    "type": "order",
    "priority": 3,
    "timestamp": MOMENT,
    "expiration": 60,
    "app_id": "shop",
    "content_type": "application/vnd.shop+json",
}


@pytest.fixture(params=["put", "put_many"])
def put(request, connection):
    """Both ways to publish one message."""
    if request.param == "put":
        return connection.put

    async def put(*arguments, **keywords):
        await connection.put_many([Message(*arguments, **keywords)])

    return put


@pytest.mark.parametrize("headers", [None, {"a": [1, {"b": True}]}])
@pytest.mark.parametrize("properties", [None, {"content_encoding": "utf-8"}])
async def test_another_client_sees_each(put, queue, get, headers, properties):
    await put({"id": 7}, queue, headers=headers, properties=properties, **ALL)

    message = await get(queue)
    seen = {name: getattr(message, name) for name in ALL}
    assert seen == ALL | {"timestamp": MOMENT.astimezone(UTC)}
    assert message.body == b'{"id":7}'
    assert message.headers == (headers or {})
    assert message.content_encoding == (properties or {}).get("content_encoding")
    assert message.delivery_mode == 2


async def test_a_handler_sees_each(put, app, queue, inbox):
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ)(inbox)
    await put({"id": 7}, queue, **ALL)
    async with app.started():
        (message,) = await inbox.batch()
        assert {name: getattr(message, name) for name in ALL} == ALL


@pytest.mark.parametrize("others", [{}, {"headers": {"a": 1}}, {"properties": {"app_id": "x"}}])
async def test_the_time_of_publishing_and_an_id_are_there_without_being_given(
    put, queue, get, others
):
    before = int(time.time())
    await put(1, queue, **others)
    message = await get(queue)
    assert before <= message.timestamp.timestamp() <= time.time()
    assert len(message.message_id) == 32


async def test_properties_may_say_that_there_is_no_time(put, queue, get):
    await put(1, queue, properties={"timestamp": None})
    assert (await get(queue)).timestamp is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0"), (0.0001, "1"), (0.0015, "2"), (60, "60000"), (1e5, "100000000")]
)
def test_an_expiration_is_milliseconds_on_the_wire(seconds, text):
    assert milliseconds(seconds) == text


async def test_what_expires_at_once_is_taken_all_the_same(put, queue):
    await put(1, queue, expiration=0)


async def test_a_string_of_a_text_type_goes_as_text(put, queue, get):
    await put("ação", queue, content_type="text/plain; charset=latin-1")
    message = await get(queue)
    assert message.body == "ação".encode("latin-1")
    assert message.content_type == "text/plain; charset=latin-1"


async def test_priorities_come_in_their_order(put, declare, get):
    queue = await declare(**{"x-max-priority": 5})
    for priority in (0, 5, 3):
        await put(priority, queue, priority=priority)
    assert [(await get(queue)).body for _ in range(3)] == [b"5", b"3", b"0"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"message_id": 7}, "message_id must be a string, got 7"),
        ({"message_id": ""}, "message_id must be a non-empty string, got ''"),
        ({"correlation_id": "x" * 256}, "correlation_id has at most 255 bytes"),
        ({"reply_to": b"q"}, "reply_to must be a string, got b'q'"),
        ({"type": "\ud800"}, "type has a surrogate"),
        ({"app_id": 1}, "app_id must be a string, got 1"),
        ({"content_type": 1}, "content_type must be a string, got 1"),
        ({"priority": "high"}, "priority must be an int from 0 to 255, got 'high'"),
        ({"priority": 256}, "priority must be an int from 0 to 255, got 256"),
        ({"priority": True}, "priority must be an int from 0 to 255, got True"),
        ({"timestamp": 1.5}, r"timestamp must be an aware .*, as datetime.now\(UTC\), got 1.5"),
        ({"timestamp": NAIVE}, "timestamp must be an aware datetime"),
        ({"timestamp": datetime(1969, 1, 1, tzinfo=UTC)}, "timestamp must not be before 1970"),
        ({"expiration": "60000"}, "expiration must be a number of seconds from 0 to 3888000"),
        ({"expiration": -1}, "expiration must be a number of seconds from 0 to 3888000, got -1"),
        ({"expiration": True}, "expiration must be a number .*, got True"),
        ({"delay": -1}, "delay must be a number of seconds from 0.*, got -1"),
        ({"delay": "1h"}, "delay must be a number of seconds from 0.*, got '1h'"),
        ({"delay": float("inf")}, "delay must be a number of seconds from 0.*, got inf"),
        ({"at": NAIVE}, "at must be an aware datetime"),
        ({"at": 1700000000}, "at must be an aware datetime"),
        ({"delay": 1, "at": MOMENT}, "delay= and at= are both given: say when in one of them"),
        ({"delay": 1, "expiration": 1}, "expiration= and delay= are both given"),
        ({"at": MOMENT, "expiration": 1}, "expiration= and at= are both given"),
        (
            {"message_id": "a", "properties": {"message_id": "b"}},
            r"message_id= and properties\['message_id'\] are both given: say it once",
        ),
        (
            {"type": "a", "properties": {"message_type": "b"}},
            r"type= and properties\['message_type'\] are both given: say it once",
        ),
        (
            {"expiration": 1, "properties": {"expiration": "1"}},
            r"expiration= and properties\['expiration'\] are both given: say it once",
        ),
        ({"priority": 1, "properties": [1]}, r"properties must be a dict, got \[1\]"),
        ({"priority": 1, "headers": [1]}, r"headers must be a dict, got \[1\]"),
    ],
)
async def test_says_what_is_wrong(put, queue, depth, given, reason):
    with pytest.raises(ConfigurationError, match=reason):
        await put(1, queue, **given)
    assert await depth(queue) == 0


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"routing_key": None}, "routing_key must be a string, got None"),
        ({"exchange": 7}, "exchange must be a string, got 7"),
        ({"priority": 7.0}, "priority must be an int from 0 to 255, got 7.0"),
    ],
)
def test_a_message_says_so_where_it_is_made(given, reason):
    with pytest.raises(ConfigurationError, match=reason):
        Message(1, **given)


def test_a_message_is_a_value():
    assert Message(1, "q", priority=3) == Message(1, "q", priority=3)
    with pytest.raises(AttributeError):
        Message(1, "q").body = 2


@pytest.mark.parametrize(
    "given", [{}, {"priority": 3, "delay": 5}, {"headers": {"a": 1}, "mandatory": False}]
)
def test_a_message_is_the_same_copied_pickled_and_with_its_defaults_said(given):
    message = Message(1, "q", **given)
    said = {field.name: getattr(message, field.name) for field in dataclasses.fields(Message)}
    others = [copy.copy(message), pickle.loads(pickle.dumps(message)), Message(**said)]
    assert others == [message] * 3
    assert {repr(other) for other in others} == {repr(message)}
    assert dataclasses.replace(message, body=2) == Message(2, "q", **given)
