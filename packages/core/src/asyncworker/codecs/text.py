"""Text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asyncworker.codecs.content_type import UTF_8, charset_of, content_type
from asyncworker.codecs.declared import declared_type
from asyncworker.codecs.problems import no_text
from asyncworker.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT_TYPE: Final = "text/plain; charset=utf-8"


class Text:
    """Read and write text."""

    content_type = CONTENT_TYPE

    def decode(self, body: bytes, message: Any) -> str:
        """Return the text.

        Raises: Invalid
        """
        known = charset_of(message)
        if known is None and (said := content_type(message.content_type).said):
            raise Invalid(f"charset {said!r} is unknown")
        try:
            return body.decode(known or UTF_8)
        except UnicodeDecodeError as error:
            raise Invalid(f"body is no text: {no_text(error)}") from None

    def typed(self, declared: Any) -> Callable[[bytes, Any], Any]:
        """Return what validates the text.

        Raises: ConfigurationError
        """
        if declared is str:
            return self.decode
        validate = declared_type(declared).from_value
        return lambda body, message: validate(self.decode(body, message))

    def encode(self, value: Any) -> tuple[bytes, str]:
        """Return text in UTF-8.

        Raises: Invalid
        """
        return in_charset(value, UTF_8), CONTENT_TYPE

    def __repr__(self) -> str:
        return "codecs.TEXT"


def in_charset(value: Any, known: str) -> bytes:
    """Return text as bytes.

    Raises: Invalid
    """
    if not isinstance(value, str):
        raise Invalid(f"body must be a str to go as text, got {type(value).__name__}")
    try:
        return value.encode(known)
    except UnicodeEncodeError as error:
        where = f"character {error.start} has no form in {error.encoding}"
        raise Invalid(f"body has no form as text: {where}") from None


def of_type(value: str, text: str) -> bytes | None:
    """Return text as bytes of a content type; None if that is none of text.

    Raises: Invalid
    """
    wanted = content_type(text)
    if not wanted.is_text:
        return None
    if wanted.said and wanted.charset is None:
        raise Invalid(f"body has no form as text: charset {wanted.said!r} is unknown")
    return in_charset(value, wanted.charset or UTF_8)


codec: Final = Text()
