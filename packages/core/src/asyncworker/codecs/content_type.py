"""What a message says of its body: JSON, text or else, and in which charset."""

from __future__ import annotations

from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache
from typing import Any, Final, NamedTuple

UTF_8: Final = "utf_8"
NO_CHARSETS: Final = frozenset(
    f"{one}_codec" for one in ("base64", "bz2", "hex", "quopri", "uu", "zlib")
) | {"rot_13", "mbcs"}
"""Of the encodings that Python knows, those that are none of text, or not everywhere."""
CHARSETS: Final = (frozenset(aliases.values()) - NO_CHARSETS) | {"utf_8_sig"}


class ContentType(NamedTuple):
    """Hold what counts. charset: as Python names it, None if none is said that Python knows."""

    is_json: bool
    is_text: bool
    charset: str | None
    said: str
    """The charset as it was written."""


@lru_cache(maxsize=256)
def content_type(text: str | None) -> ContentType:
    """Return what a content type says (RFC 9110, 8.3); JSON where it says nothing."""
    media, *parameters = (text or "").split(";")
    media = media.strip().lower()
    is_json = not media or media.endswith(("/json", "+json"))
    said = ""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            said = value.strip().strip("\"'")
    return ContentType(is_json, media.startswith("text/") and not is_json, charset(said), said)


@lru_cache(maxsize=256)
def charset(name: str) -> str | None:
    """Return the name that Python has for a charset, None if it knows none of that name.

    It is not asked for others: it would remember each of them for ever.
    """
    if not name.isascii():
        return None
    key = normalize_encoding(name).lower()
    known = aliases.get(key, key)
    return known if known in CHARSETS else None


def charset_of(message: Any) -> str | None:
    """Return the charset of a message's body, None if it says none that Python knows.

    Some publishers write it into the content encoding: kombu, as of Celery, and Spring.
    """
    of_type = content_type(message.content_type).charset
    if of_type is not None or not (encoding := message.content_encoding):
        return of_type
    return charset(encoding)
