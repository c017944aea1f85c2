"""Types as schemas: named, shared, and never the reason for a failure."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import pytest
from pydantic import BaseModel, Field, PlainValidator, SecretStr, create_model

from asyncworker.describing.schemas import GIVEN, TAKEN, Schemas

T = TypeVar("T")


def schema_of(declared, mode=TAKEN):
    schemas = Schemas([(declared, mode)])
    return schemas.of(declared, mode), schemas.components


def named(module, kind=int):
    """A class `Order` of a module of that name."""
    return create_model("Order", __module__=module, id=(kind, ...))


class Box(BaseModel, Generic[T]):
    content: T


class Struct(msgspec.Struct):
    id: int
    next: "Struct | None" = None


class Plain:
    pass


@dataclass
class Odd:
    call: Callable[[], None] = print
    own: Annotated[Any, PlainValidator(lambda value: value)] = None


@pytest.mark.parametrize("declared", [object, Any, None, Plain, "Missing", Callable[[], None]])
def test_what_has_no_schema_is_anything(declared):
    assert schema_of(declared) == ({}, {})


def test_a_part_that_has_no_schema_is_anything():
    schema, components = schema_of(Odd)
    assert schema == {"$ref": "#/components/schemas/Odd"}
    assert list(components["Odd"]["properties"]) == ["call", "own"]
    assert "type" not in components["Odd"]["properties"]["call"]


def test_one_type_that_has_none_takes_nothing_from_the_others():
    schemas = Schemas([(Plain, TAKEN), (int, TAKEN)])
    assert schemas.of(int, TAKEN) == {"type": "integer"}


def test_classes_of_one_name_are_told_apart():
    one, other = named("shop.a"), named("shop.b", str)
    schemas = Schemas([(one, TAKEN), (other, TAKEN)])
    references = {schemas.of(each, TAKEN)["$ref"] for each in (one, other)}
    assert references == {f"#/components/schemas/{name}" for name in schemas.components}
    assert len(references) == 2


def test_generic_classes_are_named_after_what_they_hold():
    schema, components = schema_of(list[Box[int]])
    assert schema["items"] == {"$ref": "#/components/schemas/Box_int_"}
    assert components["Box_int_"]["properties"] == {"content": {"type": "integer"}}


def test_structs_of_msgspec_are_described_by_it():
    schema, components = schema_of(list[Struct])
    assert schema == {"type": "array", "items": {"$ref": "#/components/schemas/Struct"}}
    assert components["Struct"]["properties"]["next"]["anyOf"] == [
        {"$ref": "#/components/schemas/Struct"},
        {"type": "null"},
    ] or components["Struct"]["properties"]["next"]["anyOf"] == [
        {"type": "null"},
        {"$ref": "#/components/schemas/Struct"},
    ]


def test_a_struct_and_a_model_of_one_name_are_told_apart():
    class Order(msgspec.Struct):
        id: str

    model = named("shop")
    schemas = Schemas([(model, TAKEN), (Order, TAKEN)])
    assert schemas.of(model, TAKEN) == {"$ref": "#/components/schemas/Order"}
    name = schemas.of(Order, TAKEN)["$ref"].removeprefix("#/components/schemas/")
    assert name.startswith("Order-")
    assert schemas.components[name]["properties"]["id"] == {"type": "string"}


def test_a_default_that_is_secret_is_not_told():
    class Login(BaseModel):
        password: SecretStr = SecretStr("s3cret")

    _, components = schema_of(Login)
    assert "s3cret" not in str(components)


def test_a_default_that_json_has_no_form_for_is_left_out():
    class Range(BaseModel):
        most: float = math.inf
        by: Any = Plain()

    _, components = schema_of(Range, GIVEN)
    assert "by" in components["Range"]["properties"]


def test_properties_have_no_titles():
    class Order(BaseModel):
        order_id: int = Field(description="Which it is.")

    _, components = schema_of(Order)
    assert components["Order"]["properties"]["order_id"] == {
        "type": "integer",
        "description": "Which it is.",
    }


def test_the_names_are_the_same_in_any_order():
    wanted = [(named("shop.a"), TAKEN), (named("shop.b", str), TAKEN), (Box[str], GIVEN)]
    first, second = Schemas(wanted), Schemas(reversed(wanted))
    assert first.components == second.components
    assert list(first.components) == list(second.components)
