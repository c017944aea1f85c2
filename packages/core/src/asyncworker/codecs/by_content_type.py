"""What the message says: JSON, text or bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

from asyncworker.codecs import json, raw, text
from asyncworker.codecs.content_type import content_type

if TYPE_CHECKING:
    from collections.abc import Callable


class ByContentType:
    """Read what the content type says, and write what `decode` reads as the same again."""

    def decode(self, body: bytes, message: Any) -> Any:
        """Return JSON's value, where that or nothing is said; a str of `text/*`; or the bytes.

        Raises: Invalid
        """
        said = content_type(message.content_type)
        if said.is_json:
            return json.codec.decode(body, message)
        return text.codec.decode(body, message) if said.is_text else body

    def typed(self, declared: Any) -> Callable[[bytes, Any], Any]:
        """Return what validates text as text, and all else as JSON.

        Raises: ConfigurationError
        """
        if declared is bytes:
            return raw.codec.decode
        of_text, of_json = text.codec.typed(declared), json.codec.typed(declared)

        def decode(body: bytes, message: Any) -> Any:
            is_text = content_type(message.content_type).is_text
            return (of_text if is_text else of_json)(body, message)

        return decode

    def encode(self, value: Any) -> tuple[bytes, str]:
        """Return bytes as they are, and all else as JSON.

        Raises: Invalid
        """
        if isinstance(value, raw.BYTES_LIKE):
            return bytes(value), raw.CONTENT_TYPE
        try:
            # As JSON does it, for whose call each message would pay.
            return to_json(value, inf_nan_mode="null"), json.CONTENT_TYPE
        except ValueError:
            return json.codec.encode(value)

    def __repr__(self) -> str:
        return "codecs.BY_CONTENT_TYPE"


codec: Final = ByContentType()
