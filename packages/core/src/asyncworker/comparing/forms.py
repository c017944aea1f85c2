"""A schema as its alternatives, each of one type at the most."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from asyncworker.comparing.reading import followed, lists, objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.comparing.reading import Object

MOST: Final = 500
"""Alternatives of one value that are looked at."""
LISTS: Final = ("anyOf", "oneOf")


def forms(schema: Any, root: Object) -> list[Object]:
    """Return what a value may be by a schema: any one of these; of false none.

    root: the document that references lead into.
    """
    return list(islice(_alternatives(schema, root, ()), MOST))


def _alternatives(schema: Any, root: Object, within: tuple[int, ...]) -> Iterator[Object]:
    """Yield them. within: those schemas that this one is a part of, of which it adds nothing."""
    own = followed(root, schema)
    if schema is False or id(own) in within:
        return
    within = (*within, id(own))
    made = _whole(own, root, ())
    name = next((name for name in LISTS if lists(made.get(name))), None)
    if name is None:
        yield from _by_type(made)
        return
    rest = {key: value for key, value in made.items() if key != name}
    for one in lists(made[name]):
        for form in _alternatives(one, root, within):
            yield from _alternatives(_joined(rest, form), root, within)


def _whole(schema: Object, root: Object, within: tuple[int, ...]) -> Object:
    """Return a schema with all that it is made of by `allOf`."""
    parts = [followed(root, one) for one in lists(schema.get("allOf"))]
    made = {key: value for key, value in schema.items() if key != "allOf"} if parts else schema
    within = (*within, id(schema))
    for one in parts:
        if id(one) not in within:
            made = _joined(_whole(one, root, within), made)
    return made


def _joined(one: Object, other: Object) -> Object:
    """Return what keeps to both, where they speak of different things; else to the other."""
    made = {**one, **other}
    if "properties" in one and "properties" in other:
        made["properties"] = {**objects(one["properties"]), **objects(other["properties"])}
    if "required" in one and "required" in other:
        made["required"] = [*lists(one["required"]), *lists(other["required"])]
    return made


def _by_type(schema: Object) -> Iterator[Object]:
    if "const" in schema:
        schema = {**schema, "enum": [schema["const"]]}
    said, values = schema.get("type"), schema.get("enum")
    if isinstance(values, list):
        for kind in dict.fromkeys(map(type_of, values)):
            yield {**schema, "type": kind, "enum": [one for one in values if type_of(one) == kind]}
    elif isinstance(said, list):
        for one in said:
            yield {**schema, "type": one}
    elif said is None and "properties" in schema:
        yield {**schema, "type": "object"}
    else:
        yield schema


def type_of(value: Any) -> str:
    """Return the type of a value, as JSON Schema calls it."""
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")
