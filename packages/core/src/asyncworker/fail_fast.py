"""A validation that leaves each list at its first item that does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic_core import SchemaError, SchemaValidator

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pydantic import TypeAdapter

LISTS: Final = ("list", "set", "frozenset", "tuple")
"""What holds any number of items, and can be left at one; a dict too, for a newer pydantic."""
WITHOUT_CLASSES: Final[tuple[dict[str, Any], ...]] = ({"_use_prebuilt": False}, {})
"""Have a validator made of the whole schema: what the classes of models hold does not fail fast."""
OPAQUE: Final = ("metadata", "default", "expected", "members", "serialization", "config")
"""Where a schema holds values, which are none of its parts."""


def failing_fast(adapter: TypeAdapter[Any]) -> Callable[[bytes], Any]:
    """Return what validates JSON as the adapter does, but finds few problems where many are."""
    for kinds in ((*LISTS, "dict"), LISTS):
        for options in WITHOUT_CLASSES:
            try:
                made: Any = SchemaValidator(_changed(adapter.core_schema, kinds), **options)
            except (SchemaError, TypeError):
                # An older pydantic knows less.
                continue
            validate: Callable[[bytes], Any] = made.validate_json
            return validate
    return adapter.validator.validate_json


def _changed(schema: Any, kinds: Collection[str]) -> Any:
    if isinstance(schema, list | tuple):
        return type(schema)(_changed(each, kinds) for each in schema)
    if not isinstance(schema, dict):
        return schema
    changed = {
        key: value if key in OPAQUE else _changed(value, kinds) for key, value in schema.items()
    }
    return {**changed, "fail_fast": True} if changed.get("type") in kinds else changed
