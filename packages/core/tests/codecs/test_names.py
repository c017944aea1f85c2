"""Codecs by name, and what is none."""

import subprocess
import sys

import pytest

from asyncworker import codecs
from asyncworker.codecs import checked
from asyncworker.codecs.codec import shown
from asyncworker.errors import ConfigurationError

AVRO = """
class Avro:
    def decode(self, body, message):
        return body.decode()

    def encode(self, value):
        return value.encode(), "application/avro"

avro = Avro()
broken = object()
"""
ENTRY_POINTS = """[asyncworker.codecs]
avro = asyncworker_avro:avro
Snake-Case = asyncworker_avro:avro
broken = asyncworker_avro:broken
JSON = asyncworker_avro:avro
"""


class Whole:
    def decode(self, body, message):
        return body

    def encode(self, value):
        return value, "application/whole"


class WithoutDecode:
    def encode(self, value): ...


class WithoutEncode:
    def decode(self, body, message): ...


class Slow(Whole):
    async def decode(self, body, message): ...


class Narrow(Whole):
    def decode(self, body): ...


class BuiltIn(Whole):
    encode = dict.fromkeys


@pytest.fixture
def avro(install):
    install("asyncworker_avro", AVRO, ENTRY_POINTS)


@pytest.mark.parametrize("name", ["BY_CONTENT_TYPE", "JSON", "MSGPACK", "RAW", "TEXT"])
def test_ours_are_attributes_and_go_by_their_names(name):
    codec = getattr(codecs, name)
    assert checked(codec) is codec
    assert checked(name) is codec
    assert checked(name.lower()) is codec
    assert shown(codec) == f"codecs.{name}"


def test_all_are_offered():
    assert sorted(codecs.__all__) == sorted([*codecs.OWN, "Codec"])
    assert all(hasattr(codecs, name) for name in codecs.__all__)


@pytest.mark.parametrize("codec", [Whole(), BuiltIn()])
def test_one_of_the_users_is_an_object(codec):
    assert checked(codec) is codec
    assert shown(codec) == type(codec).__name__


@pytest.mark.usefixtures("avro")
def test_a_distribution_publishes_one():
    assert codecs.AVRO.encode("a") == (b"a", "application/avro")
    assert checked("avro") is codecs.AVRO
    assert checked("snake_case") is codecs.SNAKE_CASE
    assert shown(codecs.JSON) == "codecs.JSON"


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("jsn", "must be a codec: did you mean JSON? choose from BY_CONTENT_TYPE, JSON, "),
        ("nothing_like_it", "must be a codec: choose from BY_CONTENT_TYPE, JSON, MSGPACK, RAW, T"),
        (Whole, "must be a codec, not its class: write Whole()"),
        (WithoutDecode(), "and encode(value): no decode"),
        (WithoutEncode(), "must be a codec, which has decode(body, message) and encode(value): no"),
        (Slow(), "must be a codec whose decode(body, message) is no async def"),
        (Narrow(), "must be a codec whose decode() takes (body, message)"),
        (7, "must be a codec, which has decode(body, message)"),
    ],
)
def test_says_what_is_no_codec(value, wrong):
    with pytest.raises(ConfigurationError) as raised:
        checked(value)
    assert wrong in str(raised.value)


@pytest.mark.usefixtures("avro")
def test_says_which_published_one_is_none():
    with pytest.raises(ConfigurationError, match=r"no decode: asyncworker_avro:broken is none"):
        checked("broken")
    with pytest.raises(ConfigurationError, match=r"did you mean AVRO. choose from AVRO, "):
        checked("avr")


def test_a_misspelt_attribute_is_an_error_with_the_choices():
    with pytest.raises(AttributeError, match=r"codecs.JSN must be a codec: did you mean JSON\?"):
        _ = codecs.JSN
    with pytest.raises(AttributeError, match="has no attribute 'jsn'"):
        _ = codecs.jsn


def test_says_what_to_install_for_msgpack(monkeypatch):
    monkeypatch.delitem(sys.modules, "asyncworker.codecs.msgpack", raising=False)
    monkeypatch.setitem(sys.modules, "msgpack", None)
    line = r"needs msgpack: pip install 'asyncworker-core\[msgpack\]'"
    with pytest.raises(ConfigurationError, match=rf"^codecs.MSGPACK {line}$"):
        _ = codecs.MSGPACK
    with pytest.raises(ConfigurationError, match=rf"^{line}$"):
        checked("msgpack")


def test_they_cost_nothing_where_they_are_not_used():
    code = (
        "import sys, asyncworker\n"
        "assert 'asyncworker.codecs' not in sys.modules\n"
        "from asyncworker import codecs\n"
        "assert not {'pydantic', 'pydantic_core', 'msgpack', 'msgspec'} & set(sys.modules)\n"
        "assert asyncworker.codecs.JSON is codecs.JSON\n"
        "assert not {'msgpack', 'msgspec'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_offers_them_without_an_import():
    code = "import asyncworker; asyncworker.codecs.JSON"
    subprocess.run([sys.executable, "-c", code], check=True)
