"""The type that a handler declares for its bodies."""

from __future__ import annotations

import json
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args

from pydantic_core import ValidationError

from asyncworker.codecs.problems import misfit, misfit_of_struct, no_data, no_text
from asyncworker.errors import ConfigurationError, Invalid
from asyncworker.fail_fast import failing_fast

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.codecs.codec import Codec

    Decode: TypeAlias = Callable[[bytes, Any], Any]

UTF_8: Final = "utf-8"
ANYTHING: Final = (Any, object)
SMALL: Final = 8192
"""Bytes of a body of which all problems are looked for: each takes memory, and holds up others."""


class Validated:
    """Validate by pydantic: a model, a dataclass, a TypedDict, and whatever else it knows."""

    def __init__(self, declared: Any) -> None:
        # Slow to import, and large: it is so only for who needs it.
        from pydantic import PydanticUserError, TypeAdapter

        try:
            self._adapter = TypeAdapter(declared)
            self._validate_json = self._adapter.validator.validate_json
        except PydanticUserError as error:
            raise _no_body(declared, no_data(error)) from None
        except (NameError, TypeError) as error:
            (reason, *_) = str(error).splitlines() or [type(error).__name__]
            raise _no_body(declared, reason) from None

    def from_json(self, body: bytes | str) -> Any:
        """Return the value of JSON.

        Raises: Invalid
        """
        validate = self._validate_json if len(body) <= SMALL else self._validate_large
        try:
            return validate(body)
        except ValidationError as error:
            if isinstance(body, str) or (charset := json.detect_encoding(body)) == UTF_8:
                raise misfit(error, len(body)) from None
        try:
            return self.from_json(body.decode(charset))
        except UnicodeDecodeError as error:
            raise Invalid(f"body is no JSON: {no_text(error)}") from None

    def from_value(self, value: Any) -> Any:
        """Return the value of what another codec made.

        Raises: Invalid
        """
        try:
            return self._adapter.validator.validate_python(value)
        except ValidationError as error:
            raise misfit(error) from None

    @cached_property
    def _validate_large(self) -> Any:
        return failing_fast(self._adapter)


class Struct:
    """Validate by msgspec: its structs, and what holds them."""

    def __init__(self, declared: Any) -> None:
        msgspec = sys.modules["msgspec"]
        self._declared = declared
        # In older versions its own errors are no ValueErrors, as those of a user's struct may be.
        self._refusals = (msgspec.MsgspecError, ValueError, RecursionError)
        self._convert = msgspec.convert
        try:
            self._from_json = msgspec.json.Decoder(declared).decode
            self._from_msgpack = msgspec.msgpack.Decoder(declared).decode
        except TypeError as error:
            raise _no_body(declared, str(error)) from None

    def from_json(self, body: bytes | str) -> Any:
        """Return the value of JSON.

        Raises: Invalid
        """
        try:
            return self._from_json(body)
        except self._refusals as error:
            raise misfit_of_struct(error) from None

    def from_value(self, value: Any) -> Any:
        """Return the value of what another codec made.

        Raises: Invalid
        """
        try:
            return self._convert(value, self._declared)
        except self._refusals as error:
            raise misfit_of_struct(error) from None

    def from_msgpack(self, body: bytes) -> Any:
        """Return the value of MessagePack.

        Raises: Invalid
        """
        try:
            return self._from_msgpack(body)
        except self._refusals as error:
            raise misfit_of_struct(error) from None


def declared_type(declared: Any) -> Validated | Struct:
    """Return what validates a type.

    Raises: ConfigurationError, for what is no type of data.
    """
    return Struct(declared) if has_struct(declared) else Validated(declared)


def typed(codec: Codec, declared: Any) -> Decode:
    """Return what decodes a body as a codec does, for a type; object stands for none.

    It is called as `Codec.decode` is, and raises as that does.
    Raises: ConfigurationError
    """
    if declared in ANYTHING:
        return codec.decode
    make: Callable[[Any], Decode] | None = getattr(codec, "typed", None)
    if make is not None:
        return make(declared)
    validate = declared_type(declared).from_value
    return lambda body, message: validate(codec.decode(body, message))


def _no_body(declared: Any, reason: str) -> ConfigurationError:
    return ConfigurationError(f"{declared!r} cannot be the type of a body: {reason}")


def has_struct(declared: Any) -> bool:
    """Tell a struct of msgspec, and what holds one."""
    # Where nothing has imported the library, nothing is a struct.
    msgspec = sys.modules.get("msgspec")
    if msgspec is None:
        return False
    if isinstance(declared, type) and issubclass(declared, msgspec.Struct):
        return True
    return any(map(has_struct, get_args(declared)))
