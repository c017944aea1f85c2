"""Types as JSON schemas; classes are named, and shared by all that refer to them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from pydantic import PydanticUserError, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import to_jsonable_python

from asyncworker.codecs.declared import has_struct
from asyncworker.describing.keywords import mapped
from asyncworker.describing.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import CoreSchema

    from asyncworker.description import Field

Mode: TypeAlias = Literal["validation", "serialization"]
Key: TypeAlias = tuple[int, Mode]
Wanted: TypeAlias = tuple[Any, Mode]
TAKEN: Final = "validation"
GIVEN: Final = "serialization"
REFERENCE: Final = "#/components/schemas/"
UNKNOWN: Final = (Any, object, None)
"""Types of which nothing is to be said."""


class Lenient(GenerateJsonSchema):
    """Say nothing of what JSON Schema cannot express, in place of failing."""

    def handle_invalid_for_json_schema(self, schema: CoreSchema, error_info: str) -> dict[str, Any]:
        """Return the schema of anything."""
        return {}

    def emit_warning(self, kind: Any, detail: str) -> None:
        """Leave out a default that has no form in JSON, without a word."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Tell that no field is titled: its name says the same."""
        return False


class Schemas:
    """Hold the schemas of types.

    wanted: the types, each with what becomes of its values: they are taken, or given. They must
    outlive this.
    """

    def __init__(self, wanted: Iterable[Wanted]) -> None:
        known = {(id(declared), mode): declared for declared, mode in wanted}
        structs = {key: one for key, one in known.items() if has_struct(one)}
        others = {
            key: one
            for key, one in known.items()
            if key not in structs and not any(one is each for each in UNKNOWN)
        }
        self.components: dict[str, Any] = {}
        """The schemas of classes, by name."""
        self._made: dict[Key, dict[str, Any]] = {}
        self._add_validated(others)
        self._add_structs(structs)
        self.components = dict(sorted(self.components.items()))

    def of(self, declared: Any, mode: Mode) -> dict[str, Any]:
        """Return the schema of one of the types; that of anything, where it has none."""
        return self._made.get((id(declared), mode), {})

    def _add_validated(self, types: dict[Key, Any]) -> None:
        adapters = [
            (key, key[1], adapter)
            for key, declared in types.items()
            if (adapter := _adapter(declared)) is not None
        ]
        if adapters:
            template = f"{REFERENCE}{{model}}"
            made, shared = TypeAdapter.json_schemas(
                adapters, ref_template=template, schema_generator=Lenient
            )
            self._made |= {key: schema for (key, _), schema in made.items()}
            self.components |= shared.get("$defs", {})

    def _add_structs(self, types: dict[Key, Any]) -> None:
        if not types:
            return
        schema_components: Any = sys.modules["msgspec"].json.schema_components
        try:
            made, shared = schema_components(types.values(), ref_template=f"{REFERENCE}{{name}}")
        except (TypeError, ValueError):
            # Of types that no schema can be made of.
            return
        names = Names(self.components)
        own = {name: names.of(("struct", name), name) for name in sorted(shared)}
        self._made |= {key: _renamed(one, own) for key, one in zip(types, made, strict=True)}
        self.components |= {own[name]: _renamed(one, own) for name, one in shared.items()}


def default_of(field: Field) -> dict[str, Any]:
    """Return the default of a field, as a part of its schema; nothing, where JSON has no form."""
    if field.is_required or field.default is None:
        return {}
    try:
        return {"default": to_jsonable_python(field.default)}
    except ValueError:
        return {}


def _renamed(schema: Any, names: Mapping[str, str]) -> Any:
    """Return a schema that refers to the same by other names."""
    made = mapped(schema, lambda one: _renamed(one, names))
    if isinstance(made, dict) and isinstance(made.get("$ref"), str):
        made["$ref"] = f"{REFERENCE}{names[made['$ref'].removeprefix(REFERENCE)]}"
    return made


def _adapter(declared: Any) -> TypeAdapter[Any] | None:
    """Return what knows the schema of a type, None where nothing does."""
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(declared)
        adapter.json_schema(schema_generator=Lenient)
    except (PydanticUserError, NameError, TypeError, RecursionError):
        return None
    return adapter
