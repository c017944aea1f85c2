"""What of a message has no form on the wire, and what it must be; asked when it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pamqp import encode
from pamqp.commands import Basic

from asyncworker.rabbitmq.errors import NotSerializable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_NAME: Final = 128
"""Bytes in the name of a header, and of what is in one (AMQP 0-9-1, 4.2.5.5)."""
SHOWN: Final = 40
"""The most characters of a value in an error."""
TEXT: Final = "a string of up to 255 bytes"
PROPERTIES: Final = {
    "cluster_id": "left out",
    "delivery_mode": "1 or 2",
    "expiration": "a string of digits, which are milliseconds",
    "priority": "a whole number from 0 to 255",
    "timestamp": "a datetime",
}
"""What these must be; the others are text."""
VALUE: Final = (
    "a string, a number (whole ones of up to 64 bits), a bool, None, a datetime, a bytearray, "
    "or a list or dict of these"
)


def has_names(table: Any) -> bool:
    """Tell whether names are strings that fit, as deep as they are: others would be cut short."""
    if isinstance(table, dict):
        return all(map(_is_name, table)) and all(map(has_names, table.values()))
    return not isinstance(table, list) or all(map(has_names, table))


def without_form(values: Mapping[str, Any]) -> NotSerializable:
    """Return what to raise for properties that cannot be encoded, by name: the first wrong one."""
    for name, value in values.items():
        if name != "headers" and not _is_property(name, value):
            wanted = PROPERTIES.get(name, TEXT)
            return NotSerializable(f"property {name!r} must be {wanted}, got {_shown(value)}")
    try:
        reason = _wrong_in(values.get("headers"), "")
    except RecursionError:
        reason = None
    return NotSerializable(reason or "headers or properties have no AMQP form")


def _is_property(name: str, value: Any) -> bool:
    return _has_form(lambda: Basic.Properties(**{name: value}).marshal())


def _wrong_in(value: Any, place: str) -> str | None:
    """Return what is wrong with a value of a header, or in it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not _is_name(name):
                wanted = f"a string of up to {MAX_NAME} bytes"
                where = f" in {place!r}" if place else ""
                return f"the name of a header{where} must be {wanted}, got {_shown(name)}"
            if wrong := _wrong_in(inner, f"{place}.{name}" if place else name):
                return wrong
    elif isinstance(value, list):
        return next(filter(None, (_wrong_in(inner, place) for inner in value)), None)
    elif not _has_form(lambda: encode.encode_table_value(value)):
        return f"header {place!r} must be {VALUE}, got {_shown(value)}"
    return None


def _is_name(name: Any) -> bool:
    if not isinstance(name, str):
        return False
    return len(name) <= MAX_NAME // 4 or len(name.encode(errors="replace")) <= MAX_NAME


def _has_form(encode_it: Callable[[], object]) -> bool:
    try:
        encode_it()
    except Exception:  # noqa: BLE001 (the library has no class for what it cannot encode)
        return False
    return True


def _shown(value: Any) -> str:
    """Return a number as it is, and of other values the type alone: they may be long, or secret."""
    if isinstance(value, (int, float)) and len(text := repr(value)) <= SHOWN:
        return text
    kind = type(value).__name__
    return f"a {kind} of length {len(value)}" if isinstance(value, (str, bytes)) else f"a {kind}"
