"""What a type looks like on the wire: one value, several, or a document of JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import TypeAdapter

SCALARS: Final = {"string", "integer", "number", "boolean"}
REFERENCE: Final = "#/$defs/"


class Kind(Enum):
    """Name what a parameter needs of a request."""

    VALUE = auto()
    VALUES = auto()
    DOCUMENT = auto()
    UNCLEAR = auto()


@dataclass(frozen=True, slots=True)
class Shape:
    """Hold the kind of a type, and its choices that are no text, keyed by how they are written."""

    kind: Kind
    choices: Mapping[str, Any] = field(default_factory=dict)


def shape_of(adapter: TypeAdapter[Any]) -> Shape:
    """Return the shape of a type, out of its JSON schema.

    Raises: PydanticUserError, for a type that JSON cannot express.
    """
    schema = adapter.json_schema()
    forms = list(_forms(schema, schema.get("$defs", {})))
    kinds = {_kind(form, schema) for form in forms if form.get("type") != "null"}
    if len(kinds) != 1:
        return Shape(Kind.UNCLEAR)
    items = [item for form in forms for item in _items(form, schema)]
    return Shape(kinds.pop(), _choices([*forms, *items]))


def _forms(schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the alternatives of a schema, references followed."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REFERENCE)
        yield from _forms(definitions[name], definitions)
        return
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            for alternative in schema[key]:
                yield from _forms(alternative, definitions)
            return
    yield schema


def _items(form: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    items = form.get("items")
    return list(_forms(items, root.get("$defs", {}))) if items else []


def _kind(form: dict[str, Any], root: dict[str, Any]) -> Kind:
    if _is_value(form):
        return Kind.VALUE
    if form.get("type") == "object":
        return Kind.DOCUMENT
    if form.get("type") == "array":
        items = _items(form, root)
        return Kind.VALUES if items and all(map(_is_value, items)) else Kind.DOCUMENT
    return Kind.UNCLEAR


def _is_value(form: dict[str, Any]) -> bool:
    return "enum" in form or "const" in form or form.get("type") in SCALARS


def _choices(forms: list[dict[str, Any]]) -> dict[str, Any]:
    choices = [choice for form in forms for choice in form.get("enum", [])]
    choices += [form["const"] for form in forms if "const" in form]
    return {json.dumps(choice): choice for choice in choices if not isinstance(choice, str)}
