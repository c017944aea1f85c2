"""JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import PydanticSerializationError, from_json, to_json

from asyncworker.codecs.content_type import charset_of
from asyncworker.codecs.declared import declared_type
from asyncworker.codecs.problems import no_text
from asyncworker.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT_TYPE: Final = "application/json"


class JSON:
    """Read and write JSON."""

    content_type = CONTENT_TYPE

    def decode(self, body: bytes, message: Any) -> Any:
        """Return the value.

        Raises: Invalid
        """
        return read(in_charset(body, message))

    def typed(self, declared: Any) -> Callable[[bytes, Any], Any]:
        """Return what validates straight from the bytes.

        Raises: ConfigurationError
        """
        validate = declared_type(declared).from_json
        return lambda body, message: validate(in_charset(body, message))

    def encode(self, value: Any) -> tuple[bytes, str]:
        """Return JSON in UTF-8. NaN and infinity are null, as JSON has neither.

        Raises: Invalid
        """
        try:
            return to_json(value, inf_nan_mode="null"), CONTENT_TYPE
        except ValueError as error:
            if "msgspec" not in sys.modules:
                raise _without_form(error) from error
        # Only now: nearly no value has a struct in it.
        try:
            return to_json(value, inf_nan_mode="null", fallback=_plain), CONTENT_TYPE
        except ValueError as error:
            raise _without_form(error) from error

    def __repr__(self) -> str:
        return "codecs.JSON"


def read(body: bytes | str) -> Any:
    """Return the JSON value of a body.

    Raises: Invalid
    """
    try:
        return from_json(body)
    except ValueError:
        pass
    try:
        # The slower decoder takes some valid JSON that the fast one refuses: deep nesting, lone
        # surrogates, UTF-16 and UTF-32.
        return json.loads(body)
    except UnicodeDecodeError as error:
        raise Invalid(f"body is no JSON: {no_text(error)}") from None
    except RecursionError:
        raise Invalid("body is no JSON: it is nested too deeply") from None
    except ValueError as error:
        raise Invalid(f"body is no JSON: {error}") from None


def in_charset(body: bytes, message: Any) -> bytes | str:
    """Return a body as text, where it is said to be in another charset than those of JSON.

    Raises: Invalid
    """
    charset = charset_of(message)
    if charset is None or charset == "ascii" or charset.startswith("utf_"):
        return body
    try:
        return body.decode(charset)
    except UnicodeDecodeError as error:
        raise Invalid(f"body is no JSON: {no_text(error)}") from None


def _plain(value: Any) -> Any:
    """Return a struct of msgspec as what JSON has."""
    msgspec = sys.modules["msgspec"]
    if not isinstance(value, msgspec.Struct):
        raise PydanticSerializationError(f"Unable to serialize unknown type: {type(value)}")
    return msgspec.to_builtins(value)


def _without_form(error: ValueError) -> Invalid:
    _, _, reason = str(error).rpartition("PydanticSerializationError: ")
    return Invalid(f"body has no JSON form: {reason}")


codec: Final = JSON()
