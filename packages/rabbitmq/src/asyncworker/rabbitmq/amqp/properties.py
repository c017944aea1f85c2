"""The properties of a message, out of the bytes that they are on the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pamqp import decode

from asyncworker.rabbitmq.amqp.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE: Final = 0x8000
CONTENT_ENCODING: Final = 0x4000
HEADERS: Final = 0x2000
DELIVERY_MODE: Final = 0x1000
PRIORITY: Final = 0x0800
CORRELATION_ID: Final = 0x0400
REPLY_TO: Final = 0x0200
EXPIRATION: Final = 0x0100
MESSAGE_ID: Final = 0x0080
TIMESTAMP: Final = 0x0040
TYPE: Final = 0x0020
USER_ID: Final = 0x0010
APP_ID: Final = 0x0008
TEXTS: Final = {
    "content_encoding": CONTENT_ENCODING,
    "correlation_id": CORRELATION_ID,
    "reply_to": REPLY_TO,
    "expiration": EXPIRATION,
    "type": TYPE,
    "user_id": USER_ID,
    "app_id": APP_ID,
}
OCTETS: Final = (DELIVERY_MODE, PRIORITY)
ALL: Final = tuple(1 << bit for bit in range(15, 1, -1))
"""In the order in which they stand."""


class Properties(NamedTuple):
    """Hold those that nearly all handlers use; `headers` is a table that is not decoded yet."""

    content_type: str | None
    headers: bytes
    message_id: str | None


def read_properties(data: bytes) -> Properties:
    """Return the properties of a content header, which begins with their flags (4.2.6.1).

    The others, which are for `read_others`, are passed over.
    """
    flags = int.from_bytes(data[:2], "big")
    content_type = message_id = None
    headers = b""
    at = 2
    if flags & CONTENT_TYPE:
        content_type, at = short_string(data, at)
    if flags & CONTENT_ENCODING:
        at += 1 + data[at]
    if flags & HEADERS:
        size = 4 + int.from_bytes(data[at : at + 4], "big")
        headers = data[at : at + size]
        at += size
    at += sum(1 for flag in OCTETS if flags & flag)
    for flag in (CORRELATION_ID, REPLY_TO, EXPIRATION):
        if flags & flag:
            at += 1 + data[at]
    if flags & MESSAGE_ID:
        message_id, at = short_string(data, at)
    return Properties(content_type, headers, message_id)


def read_others(data: bytes) -> dict[str, Any]:
    """Return the properties that `read_properties` passes over, by name; None if not there.

    timestamp: aware; None too if it is beyond what Python has. expiration: as text.
    """
    parts = split_properties(data)
    others: dict[str, Any] = {
        name: short_string(parts[flag], 0)[0] if flag in parts else None
        for name, flag in TEXTS.items()
    }
    others["delivery_mode"] = parts[DELIVERY_MODE][0] if DELIVERY_MODE in parts else None
    others["priority"] = parts[PRIORITY][0] if PRIORITY in parts else None
    others["timestamp"] = _moment(parts[TIMESTAMP]) if TIMESTAMP in parts else None
    return others


def split_properties(data: bytes) -> dict[int, bytes]:
    """Return each property as it is on the wire, by its flag."""
    flags = int.from_bytes(data[:2], "big")
    parts = {}
    at = 2
    for flag in ALL:
        if flags & flag:
            after = at + _size(flag, data, at)
            parts[flag] = data[at:after]
            at = after
    return parts


def join_properties(parts: Mapping[int, bytes]) -> bytes:
    """Return properties as `split_properties` took them apart."""
    flags = sum(parts).to_bytes(2, "big")
    return flags + b"".join(parts[flag] for flag in ALL if flag in parts)


def _moment(data: bytes) -> datetime | None:
    try:
        return datetime.fromtimestamp(int.from_bytes(data, "big"), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _size(flag: int, data: bytes, at: int) -> int:
    if flag == HEADERS:
        return 4 + int.from_bytes(data[at : at + 4], "big")
    if flag == TIMESTAMP:
        return 8
    return 1 if flag in OCTETS else 1 + data[at]


def read_headers(table: bytes) -> dict[str, Any]:
    """Return a field table (4.2.5.5) as a dict, whatever somebody has written into it.

    A value that the library cannot decode is its bytes, from the octet that names its type on.
    """
    if not table:
        return {}
    try:
        return dict(decode.field_table(table)[1])
    except Exception:  # noqa: BLE001 (as in `value_of`)
        fields = read_table(table)
        return {name.decode(errors="replace"): value_of(fields[name]) for name in fields}


def value_of(field: bytes) -> Any:
    """Return a value of a table that stands behind its type; its bytes if it cannot be decoded."""
    try:
        return decode.embedded_value(field)[1]
    except Exception:  # noqa: BLE001
        # The library has no common exception for what it cannot decode: a timestamp of the year
        # 50,000 is an OverflowError, one of a larger year an OSError, and so on.
        return field


def short_string(data: bytes, at: int) -> tuple[str, int]:
    """Return a short string (4.2.5.3), and where it ends. The broker lets any bytes pass."""
    end = at + 1 + data[at]
    return data[at + 1 : end].decode(errors="replace"), end
