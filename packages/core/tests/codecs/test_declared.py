"""Bodies of a declared type: validated, and refused in words without a value."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, ForwardRef, Literal, NamedTuple
from uuid import UUID

import msgspec
import pydantic
import pytest
from pydantic import AnyUrl, BaseModel, Field, IPvAnyAddress, field_validator, model_validator
from typing_extensions import TypedDict

from asyncworker import codecs
from asyncworker.codecs.declared import typed
from asyncworker.errors import ConfigurationError, Invalid


class Said(NamedTuple):
    content_type: str | None = None
    content_encoding: str | None = None


SECRET = "hunter2"


class Color(Enum):
    RED = "red"


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Order(BaseModel):
    id: int = 0
    at: datetime | None = None
    uuid: UUID | None = None
    url: AnyUrl | None = None
    color: Color = Color.RED
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None
    address: IPvAnyAddress | None = None
    tags: list[str] = []
    own: str = ""
    asserted: str = ""

    @field_validator("own")
    @classmethod
    def check(cls, value):
        if value:
            raise ValueError(f"{value} is not good")
        return value

    @field_validator("asserted")
    @classmethod
    def check_too(cls, value):
        assert not value, f"{value} is not good"
        return value


class Broken(BaseModel):
    id: int

    @model_validator(mode="before")
    @classmethod
    def check(cls, value):
        raise KeyError(value)


class Item(msgspec.Struct):
    id: int
    color: Color = Color.RED
    uuid: UUID | None = None
    note: str = ""

    def __post_init__(self):
        if self.id == 13:
            raise ValueError(f"Expected `{SECRET}`")


class Typed(TypedDict):
    id: int


@dataclass
class Data:
    id: int


JSON_OF = b'{"id": 7}'


@pytest.mark.parametrize("declared", [Order, Data, Typed, Item, dict[str, int], Any])
@pytest.mark.parametrize("content_type", [None, "application/json", "application/octet-stream"])
def test_a_declared_type_is_read_from_json_unless_text_is_said(declared, content_type):
    value = typed(codecs.BY_CONTENT_TYPE, declared)(JSON_OF, Said(content_type))
    if declared is Any:
        assert value == (JSON_OF if content_type == "application/octet-stream" else {"id": 7})
    else:
        assert (value["id"] if isinstance(value, dict) else value.id) == 7


@pytest.mark.parametrize(
    ("declared", "body", "value"), [(str, b"7", "7"), (int, b"7", 7), (Literal["7"], b"7", "7")]
)
def test_text_is_validated_as_text(declared, body, value):
    assert typed(codecs.BY_CONTENT_TYPE, declared)(body, Said("text/plain")) == value


def test_bytes_are_the_body_whatever_it_says():
    for content_type in (None, "text/plain", "image/png"):
        assert typed(codecs.BY_CONTENT_TYPE, bytes)(b"\xff", Said(content_type)) == b"\xff"


def test_json_in_other_encodings_is_validated_too():
    decode = typed(codecs.JSON, Data)
    for charset in ("utf-16", "utf-32-be"):
        assert decode('{"id": 7}'.encode(charset), Said()) == Data(7)
    assert typed(codecs.JSON, str)('"é"'.encode("latin-1"), Said("a/json; charset=latin1")) == "é"


def test_what_a_codec_of_the_users_decodes_is_validated():
    class Codec:
        def decode(self, body, message):
            return {"id": body.decode()}

        def encode(self, value): ...

    assert typed(Codec(), Data)(b"7", Said()) == Data(7)
    assert typed(Codec(), Item)
    with pytest.raises(Invalid, match=r"^body does not fit: id: input should be a valid integer"):
        typed(Codec(), Data)(b"x", Said())


def test_a_codec_may_decode_for_a_type_by_itself():
    class Codec:
        def decode(self, body, message): ...

        def encode(self, value): ...

        def typed(self, declared):
            return lambda body, message: declared(body)

    assert typed(Codec(), int)(b"7", Said()) == 7


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("id", SECRET, "id: input should be a valid integer, unable to parse string as an integer"),
        ("at", SECRET, "at: input should be a valid datetime or date, input is too short"),
        ("uuid", SECRET, "uuid: it is refused (uuid_parsing)"),
        ("url", SECRET, "url: it is refused (url_parsing)"),
        ("color", SECRET, "color: input should be 'red'"),
        ("pet", {"kind": SECRET}, "pet: it is refused (union_tag_invalid)"),
        ("address", SECRET, "address: it is refused (ip_any_address)"),
        ("tags", ["a", {SECRET: 1}], "tags.1: input should be a valid string"),
        ("own", SECRET, "own: it is refused (value_error)"),
        ("asserted", SECRET, "asserted: it is refused (assertion_error)"),
    ],
)
@pytest.mark.parametrize("codec", [codecs.JSON, codecs.MSGPACK])
def test_names_the_field_and_never_the_value(codec, field, value, reason):
    body, _ = codec.encode({field: value})
    with pytest.raises(Invalid) as raised:
        typed(codec, Order)(body, Said())
    assert SECRET not in str(raised.value)
    if not (codec is codecs.MSGPACK and field == "address"):
        assert str(raised.value) == f"body does not fit: {reason}"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"id": "hunter2"}', "id: expected `int`, got `str`"),
        (b"{}", "object missing required field `id`"),
        (b'{"id": 1, "color": "hunter2"}', "color: it is refused"),
        (b'{"id": 1, "uuid": "hunter2"}', "uuid: invalid UUID"),
        (b'{"id": 13}', "it is refused"),
        (b'{"id"', "input data was truncated"),
        (b"hunter2", "JSON is malformed: invalid character"),
        (b'{"id": 1, "note": "\xff"}', "invalid UTF-8 encoded string"),
        (b"[" * 100_000, "expected `object`, got `array`"),
    ],
)
def test_names_the_field_of_a_struct_and_never_the_value(body, reason):
    with pytest.raises(Invalid) as raised:
        typed(codecs.JSON, Item)(body, Said())
    assert str(raised.value) == f"body does not fit: {reason}"


def test_tells_of_a_few_problems_and_how_many_more_there_are():
    body, _ = codecs.JSON.encode(["x"] * 7)
    with pytest.raises(Invalid, match=r"^body does not fit: 0: .*; 4: [^;]*; 2 more$"):
        typed(codecs.JSON, list[int])(body, Said())


def test_leaves_a_large_body_at_its_first_problem():
    body, _ = codecs.JSON.encode(["x"] * 100_000)
    fails_fast = tuple(map(int, pydantic.VERSION.split(".")[:2])) >= (2, 8)
    told = r"0: [^;]*" if fails_fast else "it has 100000 problems"
    with pytest.raises(Invalid, match=f"^body does not fit: {told}$"):
        typed(codecs.JSON, list[int])(body, Said())


def test_counts_the_problems_of_a_large_value():
    body, _ = codecs.MSGPACK.encode(["x"] * 100_000)
    with pytest.raises(Invalid, match=r"^body does not fit: ") as raised:
        typed(codecs.MSGPACK, list[int])(body, Said())
    assert len(str(raised.value)) < 1000


def test_a_long_key_is_cut():
    body, _ = codecs.JSON.encode({"k" * 5000: "x"})
    with pytest.raises(Invalid, match=r"^body does not fit: k{200}\.\.\.: input"):
        typed(codecs.JSON, dict[str, int])(body, Said())


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"id": 1', b"[" * 100_000])
def test_says_what_is_no_json(body):
    with pytest.raises(Invalid, match=r"^body is no JSON: "):
        typed(codecs.JSON, Data)(body, Said())


class Opaque: ...


@pytest.mark.parametrize("declared", [Opaque, list[Opaque], ForwardRef("Missing"), 7])
@pytest.mark.parametrize("codec", [codecs.JSON, codecs.BY_CONTENT_TYPE, codecs.TEXT])
def test_says_what_cannot_be_the_type_of_a_body(codec, declared):
    with pytest.raises(ConfigurationError, match=r" cannot be the type of a body: [^\n]+$"):
        typed(codec, declared)


def test_says_what_provides_no_data():
    reason = "it is no type of data, and no resource declared before provides it"
    with pytest.raises(ConfigurationError, match=rf"Opaque'> cannot .*: {reason}$"):
        typed(codecs.JSON, Opaque)


def test_says_which_struct_cannot_be_one():
    class Odd(msgspec.Struct):
        a: int | Item | dict[str, int]

    with pytest.raises(ConfigurationError, match=r"Odd.* cannot be the type of a body: [^\n]+$"):
        typed(codecs.JSON, Odd)
