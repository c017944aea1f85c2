"""What a message carries is decoded when it is used, by pamqp's measure, and not before."""

import sys
from datetime import UTC, datetime
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp.commands import Basic

from asyncworker import codecs
from asyncworker.rabbitmq import RabbitMQMessage
from asyncworker.rabbitmq.amqp.frames import DELIVER
from asyncworker.rabbitmq.amqp.tables import packed_text, table_of
from asyncworker.rabbitmq.consuming.deliveries import read
from asyncworker.rabbitmq.decoding import Decoder

texts = st.text("aé.", max_size=5)
properties = st.builds(
    Basic.Properties,
    content_type=st.none() | texts,
    content_encoding=st.none() | texts,
    headers=st.none() | st.dictionaries(texts, st.integers(0, 9) | st.booleans(), max_size=3),
    delivery_mode=st.none() | st.integers(1, 2),
    priority=st.none() | st.integers(0, 255),
    correlation_id=st.none() | texts,
    reply_to=st.none() | texts,
    expiration=st.none() | st.integers(0, 2**32 - 1).map(str),
    message_id=st.none() | texts,
    timestamp=st.none()
    | st.integers(1, 250_000_000_000).map(lambda at: datetime.fromtimestamp(at, UTC)),
    message_type=st.none() | texts,
    user_id=st.none() | texts,
    app_id=st.none() | texts,
)


NESTED = reduce(lambda inner, _: b"F" + table_of({b"a": inner}), range(5000), b"V")


def message_with(header, exchange="e", routing_key="k"):
    deliver = Basic.Deliver("q", 7, True, exchange, routing_key)
    content = (DELIVER, deliver.marshal(), header, b"[1]")
    (message,) = read([content], {b"q": "the queue"}, None, Decoder(codecs.RAW), None)
    return message


@settings(deadline=None)
@given(properties)
def test_has_the_properties_that_pamqp_wrote(expected):
    message = message_with(expected.marshal())
    assert message.message_id == (expected.message_id or None)
    assert message.content_type == (expected.content_type or None)
    assert message.headers == (expected.headers or {})
    for name in ("content_encoding", "correlation_id", "reply_to", "user_id", "app_id"):
        assert getattr(message, name) == (getattr(expected, name) or None)
    assert message.type == (expected.message_type or None)
    assert message.delivery_mode == expected.delivery_mode
    assert message.priority == expected.priority
    assert message.timestamp == expected.timestamp
    expiration = None if expected.expiration is None else int(expected.expiration) / 1000
    assert message.expiration == expiration


@pytest.mark.parametrize(
    ("flags", "data", "name"),
    [
        (b"\x00\x40", b"\xff" * 8, "timestamp"),
        (b"\x00\x40", (2**40).to_bytes(8, "big"), "timestamp"),
        (b"\x01\x00", b"\x04soon", "expiration"),
        (b"\x01\x00", b"\x02\xc2\xb2", "expiration"),
        (b"\x01\x00", b"\x00", "expiration"),
    ],
)
def test_a_property_without_meaning_is_none(flags, data, name):
    message = message_with(flags + data)
    assert getattr(message, name) is None
    assert message.correlation_id is None


def test_has_what_the_delivery_says():
    message = message_with(b"\x00\x00", "events", "a.b")
    assert (message.exchange, message.routing_key) == ("events", "a.b")
    assert (message.queue, message.delivery_tag, message.redelivered) == ("the queue", 7, True)
    assert (message.body, message.raw_body) == (b"[1]", b"[1]")
    assert "exchange='events'" in repr(message)


def test_keeps_headers_that_a_handler_changes():
    message = message_with(Basic.Properties(headers={"a": 1}).marshal())
    message.headers["b"] = 2
    assert message.headers == {"a": 1, "b": 2}


def test_a_routing_key_that_is_no_text_is_shown_as_far_as_it_is():
    message = message_with(b"\x00\x00", routing_key="??")
    method, arguments, *rest = message.content
    message.content = (method, arguments.replace(b"??", b"\xffa"), *rest)
    assert message.routing_key == "\ufffda"


@pytest.fixture
def recursion_limit():
    """That of Python, which Hypothesis raises: nothing would be too deep."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        (b"t", b"T" + (2**62).to_bytes(8, "big"), b"T" + (2**62).to_bytes(8, "big")),
        (b"t", NESTED, NESTED),
        (b"\xff", b"b\x07", 7),
    ],
    ids=["year beyond all", "nested deeply", "name is no text"],
)
def test_a_header_without_meaning_is_its_bytes_and_hurts_no_other(
    recursion_limit, name, field, value
):
    table = table_of({name: field, b"trace": packed_text(b"abc")})
    message = message_with(b"\x20\x80" + table + b"\x03m-1")
    assert message.message_id == "m-1"
    assert message.headers == {name.decode(errors="replace"): value, "trace": "abc"}


def test_has_no_other_attributes():
    with pytest.raises(AttributeError, match="'bdy'"):
        _ = message_with(b"\x00\x00").bdy


def test_can_be_made_by_hand_for_a_test_of_a_handler():
    message = RabbitMQMessage(body={"n": 1}, headers={"a": 1})
    assert (message.body, message.headers, message.exchange) == ({"n": 1}, {"a": 1}, "")
