"""A record: named values, each checked as it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    TypeAlias,
    dataclass_transform,
    get_type_hints,
)

from pydantic_core import CoreConfig, PydanticCustomError, SchemaValidator, ValidationError

from asyncworker.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import Field
    from enum import Enum

    from pydantic_core import ErrorDetails

Schema: TypeAlias = Mapping[str, Any]
"""What a field takes, as pydantic-core says it."""

COUNT: Final[Schema] = {"type": "int", "ge": 1}
SECONDS: Final[Schema] = {"type": "float", "gt": 0}
FLAG: Final[Schema] = {"type": "bool"}


def checked_field(
    *, default: Any, schema: Schema, shown: Callable[[Any], str] | None = None, repr: bool = True
) -> Any:
    """Return a field of a record.

    shown: returns a value, unless that is None, as tables show it. repr: whether a repr shows it.
    """
    return field(default=default, metadata={"schema": schema, "shown": shown}, repr=repr)


def optional(schema: Schema) -> Schema:
    """Return what takes None too."""
    return {"type": "nullable", "schema": schema}


def one_of(*choices: str, case: Callable[[str], str] | None = None) -> Schema:
    """Return what takes one of the choices. case: makes a text of what may be in any case."""
    schema = {"type": "literal", "expected": list(choices)}
    return schema if case is None else _before(case, schema)


def member_of(enumeration: type[Enum]) -> Schema:
    """Return what takes a member of an enumeration."""
    return {"type": "enum", "cls": enumeration, "members": list(enumeration)}


def by(check: Callable[[Any], Any]) -> Schema:
    """Return what takes what a function takes, which raises ConfigurationError for all else."""

    def checked(value: Any) -> Any:
        try:
            return check(value)
        except ConfigurationError as error:
            raise PydanticCustomError("refused", "{reason}", {"reason": str(error)}) from None

    return {"type": "function-plain", "function": {"type": "no-info", "function": checked}}


@dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(checked_field, field)
)
class Record:
    """Hold values that are checked as it is made, and that nothing changes then.

    Each class that extends it is a dataclass. What a field takes is said by `checked_field`, or
    else by its annotation, of which pydantic knows what it means.
    Raises: ConfigurationError
    """

    config: ClassVar[CoreConfig] = {}
    """How strict checks are, as pydantic-core says it."""
    _given: frozenset[str]
    _validator: ClassVar[SchemaValidator | None]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._validator = None
        dataclass(frozen=True, init=False)(cls)

    def __init__(self, **given: Any) -> None:
        try:
            values, _, names = self._validated(given)
        except ValidationError as error:
            details = error.errors(include_url=False)[0]
            raise ConfigurationError(self._explain(str(details["loc"][0]), details)) from None
        for name, value in {**values, "_given": frozenset(names)}.items():
            object.__setattr__(self, name, value)

    @classmethod
    def _validated(cls, given: dict[str, Any]) -> Any:
        if cls._validator is None:
            # Not before: what an annotation names may be defined below the class.
            cls._validator = SchemaValidator(_schema_of(cls), cls.config)
        return cls._validator.validate_python(given)

    @classmethod
    def _explain(cls, name: str, details: ErrorDetails) -> str:
        """Return what is wrong with a field, in a line."""
        return f"{name}: {complaint(details, details['input'])}"

    @property
    def given(self) -> dict[str, Any]:
        """Return what was said, without what has its default."""
        return {name: value for name, value in vars(self).items() if name in self._given}

    @property
    def shown(self) -> dict[str, Any]:
        """Return what was said, as tables show it."""
        return {
            one.name: _shown(one, getattr(self, one.name))
            for one in fields_of(type(self))
            if one.name in self._given
        }


def fields_of(record: type[Record]) -> tuple[Field[Any], ...]:
    """Return the fields of a record, in their order."""
    return fields(record)  # type: ignore[arg-type]  # Each class that extends it is a dataclass.


def complaint(details: ErrorDetails, value: Any) -> str:
    """Return one line on a value that does not fit: what it should be, and what it is."""
    text = details["msg"]
    return f"{text[:1].lower()}{text[1:]}, got {value!r}"


def _shown(one: Field[Any], value: Any) -> Any:
    shown = one.metadata.get("shown")
    return value if shown is None or value is None else shown(value)


def _schema_of(record: type[Record]) -> Any:
    return {
        "type": "model-fields",
        "extra_behavior": "forbid",
        "fields": {
            one.name: {"type": "model-field", "schema": _schema(record, one)}
            for one in fields_of(record)
        },
    }


def _schema(record: type[Record], one: Field[Any]) -> Schema:
    schema = one.metadata.get("schema") or _annotated(record, one.name)
    if one.default is not MISSING:
        return {"type": "default", "schema": schema, "default": one.default}
    if one.default_factory is not MISSING:
        return {"type": "default", "schema": schema, "default_factory": one.default_factory}
    return schema


def _annotated(record: type[Record], name: str) -> Schema:
    # Slow to import, and large: it is so only for who needs it.
    from pydantic import TypeAdapter

    annotation = get_type_hints(record, include_extras=True)[name]
    return TypeAdapter(annotation).core_schema


def _before(function: Callable[[str], str], schema: Schema) -> Schema:
    of = {"type": "no-info", "function": function}
    return {"type": "function-before", "function": of, "schema": schema}
