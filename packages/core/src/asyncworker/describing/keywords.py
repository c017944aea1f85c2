"""The keywords of JSON Schema whose values are schemas again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

ONE: Final = (
    "additionalItems",
    "additionalProperties",
    "contains",
    "items",
    "not",
    "propertyNames",
)
SEVERAL: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
NAMED: Final = ("patternProperties", "properties")


def mapped(schema: Any, change: Callable[[Any], Any]) -> Any:
    """Return a schema with each of those directly in it changed."""
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    for name in ONE:
        if isinstance(made.get(name), dict):
            made[name] = change(made[name])
    for name in SEVERAL:
        if isinstance(made.get(name), list):
            made[name] = [change(each) for each in made[name]]
    for name in NAMED:
        if isinstance(made.get(name), dict):
            made[name] = {key: change(each) for key, each in made[name].items()}
    return made


def in_draft_7(schema: Any) -> Any:
    """Return a schema of 2020-12 as one of draft 7, which AsyncAPI 3.0 extends.

    What tells alternatives apart, as OpenAPI has it, is left out: they tell it by themselves.
    """
    made = mapped(schema, in_draft_7)
    if not isinstance(made, dict):
        return made
    if isinstance(made.get("discriminator"), dict):
        del made["discriminator"]
    if "prefixItems" in made:
        if "items" in made:
            made["additionalItems"] = made["items"]
        made["items"] = made.pop("prefixItems")
    return made


def without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without null among its alternatives: text can be left out, and no more."""
    alternatives = schema.get("anyOf")
    if not isinstance(alternatives, list):
        return schema
    left = [each for each in alternatives if each != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if rest.get("default", ...) is None:
        del rest["default"]
    return {**left[0], **rest} if len(left) == 1 else {**rest, "anyOf": left}
