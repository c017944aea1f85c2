"""From the bytes of a body to a value, and back."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from asyncworker.codecs.codec import Codec, wrong_with
from asyncworker.errors import ConfigurationError, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import EntryPoint

    BY_CONTENT_TYPE: Codec
    """JSON, text or bytes, as the message says: what holds where nothing else is said."""
    JSON: Codec
    """JSON, whatever the message says."""
    MSGPACK: Codec
    """MessagePack, by `asyncworker-core[msgpack]`."""
    RAW: Codec
    """Bytes as they came."""
    TEXT: Codec
    """Text in the charset that the message says, or else UTF-8."""

__all__ = ["BY_CONTENT_TYPE", "JSON", "MSGPACK", "RAW", "TEXT", "Codec"]

ENTRY_POINT_GROUP: Final = "asyncworker.codecs"
OWN: Final = ("BY_CONTENT_TYPE", "JSON", "MSGPACK", "RAW", "TEXT")
EXTRAS: Final = {"msgpack": "asyncworker-core[msgpack]"}
"""What to install for libraries that a codec of ours needs."""


def checked(value: Any) -> Codec:
    """Return a codec, given itself or by its name.

    Raises: ConfigurationError, which says what it must be, for the caller to add whose and what.
    """
    if isinstance(value, str):
        return _named(value)
    if wrong := wrong_with(value):
        raise ConfigurationError(wrong)
    codec: Codec = value
    return codec


def _named(name: str) -> Codec:
    key = _key(name)
    if key in OWN:
        return _own(key)
    for entry_point in _published():
        if _key(entry_point.name) == key:
            found: Codec = entry_point.load()
            if wrong := wrong_with(found):
                raise ConfigurationError(f"{wrong}: {entry_point.value} is none")
            return found
    choices = {*OWN, *(_key(one.name) for one in _published())}
    raise ConfigurationError(f"must be a codec: {suggestion(name, choices)}")


def _own(name: str) -> Codec:
    try:
        codec: Codec = import_module(f"{__name__}.{name.lower()}").codec
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        reason = f"needs {error.name}: pip install '{EXTRAS[error.name]}'"
        raise ConfigurationError(reason) from None
    return codec


def _published() -> Iterator[EntryPoint]:
    return iter(entry_points(group=ENTRY_POINT_GROUP))


def _key(name: str) -> str:
    return name.upper().replace("-", "_")


# Hidden from type checkers, so that they still catch a misspelt name.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Return the codec of that name: one of ours, or one that a distribution publishes."""
        if name.startswith("_") or name != name.upper():
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if name in OWN:
            try:
                return _own(name)
            except ConfigurationError as error:
                raise ConfigurationError(f"codecs.{name} {error}") from None
        try:
            return _named(name)
        except ConfigurationError as error:
            raise AttributeError(f"codecs.{name} {error}") from None
