"""JSON schemas as people read them, in HTML."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any, Final

from asyncworker.comparing.reading import lists, objects
from asyncworker.describing.schemas import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

RULES: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "multipleOf": "a multiple of {}",
    "minLength": "from {} characters",
    "maxLength": "up to {} characters",
    "minItems": "from {} items",
    "maxItems": "up to {} items",
    "pattern": "like {}",
    "default": "{} when left out",
}
"""How keywords of JSON Schema are told."""
LONGEST: Final = 200
"""The most characters of a value that is shown."""


def type_of(schema: Any, anchor: str) -> str:
    """Return what a value is. anchor: goes before the names of classes, for links to them."""
    schema = objects(schema)
    if isinstance(reference := schema.get("$ref"), str):
        name = reference.removeprefix(REFERENCE)
        return f'<a href="#{escape(anchor + name)}">{escape(name)}</a>'
    for key in ("anyOf", "oneOf", "allOf"):
        if alternatives := lists(schema.get(key)):
            return " or ".join(dict.fromkeys(type_of(each, anchor) for each in alternatives))
    if "const" in schema:
        return _value(schema["const"])
    if "enum" in schema:
        return ", ".join(map(_value, lists(schema["enum"])))
    return _plain(schema, anchor)


def rules_of(schema: Any) -> str:
    """Return what a value has to keep to, beside its type."""
    told = objects(schema)
    rules = [words.format(_value(told[key])) for key, words in RULES.items() if key in told]
    description = told.get("description")
    texts = [escape(description)] if isinstance(description, str) else []
    return "; ".join([*texts, *rules])


def properties_of(schema: Any, anchor: str) -> str:
    """Return a table of the properties of an object; its type, where it has none."""
    told = objects(schema)
    properties = objects(told.get("properties"))
    if not properties:
        return f"<p>{type_of(told, anchor)}</p>"
    required = lists(told.get("required"))
    rows = [
        (_code(name), type_of(each, anchor), "yes" if name in required else "", rules_of(each))
        for name, each in properties.items()
    ]
    return table(("Name", "Type", "Required", "About"), rows)


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table of HTML; columns in which nothing stands are left out."""
    kept = [number for number, _ in enumerate(heads) if any(row[number] for row in rows)]
    head = "".join(f'<th scope="col">{heads[number]}</th>' for number in kept)
    body = "".join(f"<tr>{_cells(row, kept)}</tr>" for row in rows)
    label = escape(", ".join(heads[number] for number in kept))
    return (
        f'<div class="wide" role="group" aria-label="{label}" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def paragraphs(text: Any) -> str:
    """Return plain text as HTML."""
    parts = str(text or "").split("\n\n")
    return "".join(f"<p>{escape(part)}</p>" for part in parts if part.strip())


def _cells(row: tuple[str, ...], kept: list[int]) -> str:
    first, *others = kept
    cells = "".join(f"<td>{row[number]}</td>" for number in others)
    return f'<th scope="row">{row[first]}</th>{cells}'


def _plain(schema: dict[str, Any], anchor: str) -> str:
    said = schema.get("type")
    if isinstance(said, list):
        return " or ".join(escape(str(one)) for one in said)
    if said == "array":
        items = schema.get("items")
        parts = lists(schema.get("prefixItems")) or lists(items)
        inner = ", ".join(type_of(one, anchor) for one in parts) or type_of(items, anchor)
        return f"list of {inner}"
    if said == "object" and isinstance(others := schema.get("additionalProperties"), dict):
        return f"object of {type_of(others, anchor)}"
    kind = schema.get("format")
    text = "anything" if said is None else str(said)
    return escape(f"{text} ({kind})" if isinstance(kind, str) else text)


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return _code(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
