"""MessagePack."""

from __future__ import annotations

import sys
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

import msgpack
from pydantic_core import to_jsonable_python

from asyncworker.codecs.declared import Struct, declared_type
from asyncworker.codecs.problems import no_text
from asyncworker.errors import Invalid
from asyncworker.model_classes import is_model

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT_TYPE: Final = "application/vnd.msgpack"
AS_DATETIMES: Final = 3
"""Aware ones, which is how timestamps are read."""


class Msgpack:
    """Read and write MessagePack."""

    content_type = CONTENT_TYPE

    def decode(self, body: bytes, message: Any) -> Any:
        """Return the value.

        Raises: Invalid
        """
        return read(body)

    def typed(self, declared: Any) -> Callable[[bytes, Any], Any]:
        """Return what validates the value.

        Raises: ConfigurationError
        """
        of_type = declared_type(declared)
        if isinstance(of_type, Struct):
            return lambda body, message: of_type.from_msgpack(body)
        return lambda body, message: of_type.from_value(read(body))

    def encode(self, value: Any) -> tuple[bytes, str]:
        """Return MessagePack: aware datetimes as timestamps, what it has no form for as in JSON.

        Raises: Invalid
        """
        try:
            return msgpack.packb(value, default=_plain, datetime=True), CONTENT_TYPE
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise Invalid(f"body has no msgpack form: {error}") from error

    def __repr__(self) -> str:
        return "codecs.MSGPACK"


def read(body: bytes) -> Any:
    """Return the value of MessagePack.

    Raises: Invalid
    """
    try:
        # Keys may be whatever `encode` takes.
        return msgpack.unpackb(body, timestamp=AS_DATETIMES, strict_map_key=False)
    except UnicodeDecodeError as error:
        raise Invalid(f"body is no msgpack: {no_text(error)}") from None
    except Exception as error:  # noqa: BLE001 (the library has no common class for what it refuses)
        raise Invalid(f"body is no msgpack: {type(error).__name__}") from None


def _plain(value: Any) -> Any:
    """Return what MessagePack has in place of a value that it has not."""
    if is_model(type(value)):
        return value.model_dump(by_alias=True)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    msgspec = sys.modules.get("msgspec")
    if msgspec is not None and isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value, builtin_types=(bytes,))
    return to_jsonable_python(value)


codec: Final = Msgpack()
