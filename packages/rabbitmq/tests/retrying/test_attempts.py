"""Headers and properties of messages that are tried again, byte by byte."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import encode
from pamqp.commands import Basic

from asyncworker.rabbitmq.amqp.properties import HEADERS, join_properties, split_properties
from asyncworker.rabbitmq.amqp.tables import packed_number, packed_text, read_table, table_of
from asyncworker.rabbitmq.message import RabbitMQMessage
from asyncworker.rabbitmq.retrying.attempts import (
    Past,
    delivery_count_of,
    limited_count_of,
    past_of,
)
from asyncworker.rabbitmq.retrying.rewritten import same_attempt

NAMES = st.text("abcx-", min_size=1, max_size=20)
TEXTS = st.text("aé\N{SNOWMAN}", max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_a_table_is_put_together_as_it_was(table):
    packed = encode.field_table(table)
    fields = read_table(packed)
    assert {name.decode() for name in fields} == set(table)
    assert table_of(fields) == packed


@pytest.mark.parametrize("kind", "tbBsUuIiflLdDTVSxAF")
def test_every_type_of_value_is_as_long_as_it_is(kind):
    sizes = dict(zip("tbBsUuIiflLdDTV", (1, 1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8, 5, 8, 0), strict=True))
    value = bytes(sizes[kind]) if kind in sizes else struct.pack("!I", 3) + b"abc"
    fields = {b"first": kind.encode() + value, b"second": packed_number(-7)}
    assert read_table(table_of(fields)) == fields


@pytest.mark.parametrize(
    "table", [b"\0\0\0\x03\x01a?", b"\0\0\0\x08\x01aS\0\0\0\x09a", b"\0\0\0\2\1a"]
)
def test_what_is_no_table_is_an_error(table):
    with pytest.raises(ValueError, match="a field table"):
        read_table(table)


def test_properties_are_put_together_as_they_were():
    every = Basic.Properties(
        content_type="a",
        content_encoding="b",
        headers={"c": 1},
        delivery_mode=2,
        priority=3,
        correlation_id="d",
        reply_to="e",
        expiration="f",
        message_id="g",
        message_type="h",
        user_id="i",
        app_id="j",
    ).marshal()
    parts = split_properties(every)
    assert join_properties(parts) == every
    assert len(parts) == 12
    some = Basic.Properties(priority=3, message_id="g").marshal()
    assert join_properties(split_properties(some)) == some


@pytest.mark.parametrize(
    ("fields", "past"),
    [
        ({}, Past()),
        ({b"x-asyncworker-attempt": packed_number(3)}, Past(3)),
        ({b"x-asyncworker-attempt": b"b\x03"}, Past(3)),
        ({b"x-asyncworker-attempt": packed_number(0)}, Past()),
        ({b"x-asyncworker-attempt": packed_number(-5)}, Past()),
        ({b"x-asyncworker-attempt": b"t\x01"}, Past()),
        ({b"x-asyncworker-attempt": packed_text(b"many")}, Past()),
        ({b"x-asyncworker-exchange": packed_text(b"events")}, Past(1, "events")),
        ({b"x-asyncworker-exchange": b"V"}, Past()),
        ({b"x-asyncworker-attempt": b"?"}, Past()),
        ({b"x-asyncworker-attempt": b"T" + (2**62).to_bytes(8, "big")}, Past()),
    ],
)
def test_whatever_the_headers_hold_an_attempt_has_a_number(fields, past):
    assert past_of(join_properties({HEADERS: table_of(fields)})) == past


@pytest.mark.parametrize(
    ("fields", "limited", "count"),
    [
        ({}, 0, 0),
        ({b"x-delivery-count": packed_number(7)}, 7, 7),
        ({b"x-asyncworker-deliveries": packed_number(11)}, 0, 11),
        ({b"x-delivery-count": b"b\x02", b"x-asyncworker-deliveries": b"b\x09"}, 2, 11),
        ({b"x-delivery-count": b"l" + bytes(7) + b"\x02"}, 2, 2),
        ({b"x-delivery-count": packed_text(b"x-delivery-count")}, 0, 0),
        ({b"x-delivery-count": b"T" + b"\xff" * 8}, 0, 0),
        ({b"x-delivery-count": b"?"}, 0, 0),
    ],
)
def test_counts_what_came_back_whoever_wrote_the_headers(fields, limited, count):
    properties = join_properties({HEADERS: table_of(fields)})
    assert limited_count_of(properties) == limited
    assert delivery_count_of(properties) == count


def test_a_copy_leaves_out_what_the_broker_counted_and_keeps_the_sum():
    fields = {b"x-delivery-count": packed_number(11), b"x-acquired-count": packed_number(20)}
    message = RabbitMQMessage(body=1, raw_body=b"1", queue="q", delivery_count=11)
    message.content = (0, b"", join_properties({HEADERS: table_of(fields)}), b"1")
    copy = same_attempt(message)
    assert limited_count_of(copy.header) == 0
    assert delivery_count_of(copy.header) == 11
    assert b"x-acquired-count" not in copy.header
