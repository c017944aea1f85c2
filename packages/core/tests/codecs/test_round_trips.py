"""What a codec writes, it reads as the same."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from asyncworker import codecs
from asyncworker.codecs.declared import typed
from asyncworker.errors import Invalid


class Said(NamedTuple):
    """What a message says of its body."""

    content_type: str | None = None
    content_encoding: str | None = None


NOTHING = Said()

texts = st.text(st.characters(exclude_categories=["Cs"]))
plain = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
json_values = st.recursive(plain, lambda of: st.lists(of) | st.dictionaries(texts, of))
msgpack_values = st.recursive(
    plain | st.binary() | st.datetimes(timezones=st.just(UTC)),
    lambda of: st.lists(of) | st.dictionaries(texts | st.integers(0, 9) | st.binary(), of),
)


def there_and_back(codec, value, declared=None):
    body, content_type = codec.encode(value)
    decode = codec.decode if declared is None else typed(codec, declared)
    return decode(body, Said(content_type))


@given(json_values)
def test_json(value):
    assert there_and_back(codecs.JSON, value) == value


@given(msgpack_values)
def test_msgpack(value):
    assert there_and_back(codecs.MSGPACK, value) == value


@given(texts)
def test_text(value):
    assert there_and_back(codecs.TEXT, value) == value


@given(st.binary())
def test_raw(value):
    assert there_and_back(codecs.RAW, value) == value
    assert there_and_back(codecs.RAW, memoryview(value)) == value
    assert there_and_back(codecs.RAW, bytearray(value)) == value


@given(json_values | st.binary())
def test_by_content_type(value):
    assert there_and_back(codecs.BY_CONTENT_TYPE, value) == value
    assert type(there_and_back(codecs.BY_CONTENT_TYPE, value)) is type(value)


@dataclass
class Line:
    sku: str
    price: Decimal


@dataclass
class Order:
    id: UUID
    day: date
    at: datetime
    lines: list[Line]


class Model(BaseModel):
    id: UUID
    day: date
    at: datetime
    lines: list[Line]
    note: str = Field("", alias="remark")


class Struct(msgspec.Struct, rename="camel"):
    at: datetime
    the_id: UUID
    price: Decimal


THINGS = {
    "id": UUID(int=7),
    "day": date(2026, 1, 2),
    "at": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    "lines": [Line("tea", Decimal("4.50"))],
}
OBJECTS = [
    Order(**THINGS),
    Model(**THINGS, remark="urgent"),
    Struct(THINGS["at"], UUID(int=7), Decimal("4.50")),
]


@pytest.mark.parametrize("codec", [codecs.JSON, codecs.BY_CONTENT_TYPE, codecs.MSGPACK])
@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_objects_of_their_types(codec, value):
    assert there_and_back(codec, value, type(value)) == value
    assert there_and_back(codec, [value], list[type(value)]) == [value]
    assert there_and_back(codec, {"a": value}, dict[str, type(value)]) == {"a": value}


def test_json_has_neither_nan_nor_infinity():
    assert there_and_back(codecs.JSON, [math.nan, math.inf]) == [None, None]


def test_numbers_of_msgpack_that_are_none():
    assert math.isnan(there_and_back(codecs.MSGPACK, math.nan))


@pytest.mark.parametrize(
    ("codec", "value", "reason"),
    [
        ("JSON", object(), "body has no JSON form: Unable to serialize unknown type: .*object"),
        ("MSGPACK", object(), "body has no msgpack form: Unable to serialize unknown type"),
        ("MSGPACK", 2**64, "body has no msgpack form"),
        ("TEXT", b"a", "body must be a str to go as text, got bytes"),
        ("TEXT", "a\ud800", "body has no form as text: character 1 has no form in utf-8"),
        ("RAW", "secret", "body must be bytes to go as they are, got str"),
        ("BY_CONTENT_TYPE", {1: object()}, "body has no JSON form"),
    ],
)
def test_says_what_has_no_form(codec, value, reason):
    with pytest.raises(Invalid, match=reason) as raised:
        getattr(codecs, codec).encode(value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        (None, b"[1]", [1]),
        ("", b"[1]", [1]),
        ("application/json", b"[1]", [1]),
        ("Application/JSON ; charset=UTF-8", '"é"'.encode(), "é"),
        ("application/problem+json", b"[1]", [1]),
        ("text/json", b"[1]", [1]),
        ("application/json; charset=iso-8859-1", '"é"'.encode("latin-1"), "é"),
        ("application/json; charset=klingon", b"[1]", [1]),
        (None, '"é"'.encode("utf-16"), "é"),
        ("text/plain", "é".encode(), "é"),
        ("text/csv;header=present; charset='latin-1'", "é".encode("latin-1"), "é"),
        ("text/plain; charset=utf-16", "é".encode("utf-16"), "é"),
        ("application/octet-stream", b"[1]", b"[1]"),
        ("application/vnd.msgpack", b"\x93", b"\x93"),
        ("image/png", b"", b""),
    ],
)
def test_the_content_type_says_what_a_body_is(content_type, body, value):
    found = codecs.BY_CONTENT_TYPE.decode(body, Said(content_type))
    assert (found, type(found)) == (value, type(value))


def test_the_charset_may_stand_in_the_content_encoding():
    said = Said("application/json", "ISO-8859-1")
    assert codecs.BY_CONTENT_TYPE.decode('"é"'.encode("latin-1"), said) == "é"
    said = Said("text/plain", "utf-8")
    assert codecs.BY_CONTENT_TYPE.decode("é".encode(), said) == "é"


@pytest.mark.parametrize(
    ("content_type", "body", "reason"),
    [
        (None, b"secret", "body is no JSON: Expecting value: line 1 column 1 .char 0."),
        (None, b"", "body is no JSON: Expecting value"),
        (None, b"\xff\xfe\xfd", "body is no JSON: byte 2 is no utf-16"),
        (None, b"[" * 100_000, "body is no JSON: it is nested too deeply"),
        ("application/json; charset=gbk", b'"\xff"', "body is no JSON: byte 1 is no gbk"),
        ("text/plain", b"secret\xff", "body is no text: byte 6 is no utf-8"),
        ("text/plain; charset=klingon", b"secret", "charset 'klingon' is unknown"),
        ("text/plain; charset=hex", b"secret", "charset 'hex' is unknown"),
        ("text/plain; charset=punycode", b"secret", "charset 'punycode' is unknown"),
        ("text/plain; charset=é\0", b"secret", r"charset 'é\\x00' is unknown"),
    ],
)
def test_says_what_cannot_be_decoded_but_not_what_it_is(content_type, body, reason):
    with pytest.raises(Invalid, match=f"^{reason}") as raised:
        codecs.BY_CONTENT_TYPE.decode(body, Said(content_type))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "body", [b"", b"\xc1", b"\x93\x01", b"\xa1\xff", b"\x81\x90\x01", b"\x91" * 99999]
)
def test_says_what_is_no_msgpack(body):
    with pytest.raises(Invalid, match=r"^body is no msgpack: (\w+|byte 0 is no utf-8)$"):
        codecs.MSGPACK.decode(body, NOTHING)


@given(st.binary())
def test_whatever_comes_is_a_value_or_invalid(body):
    for name in codecs.OWN:
        for said in (NOTHING, Said("text/plain"), Said("text/plain; charset=utf-16")):
            try:
                getattr(codecs, name).decode(body, said)
            except Invalid:
                continue
