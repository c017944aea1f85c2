"""Bytes as they are."""

from __future__ import annotations

from typing import Any, Final

from asyncworker.errors import Invalid

CONTENT_TYPE: Final = "application/octet-stream"
BYTES_LIKE: Final = (bytes, bytearray, memoryview)


class Raw:
    """Hand bytes over."""

    content_type = CONTENT_TYPE

    def decode(self, body: bytes, message: Any) -> bytes:
        """Return the body."""
        return body

    def encode(self, value: Any) -> tuple[bytes, str]:
        """Return the bytes.

        Raises: Invalid
        """
        if not isinstance(value, BYTES_LIKE):
            raise Invalid(f"body must be bytes to go as they are, got {type(value).__name__}")
        return bytes(value), CONTENT_TYPE

    def __repr__(self) -> str:
        return "codecs.RAW"


codec: Final = Raw()
