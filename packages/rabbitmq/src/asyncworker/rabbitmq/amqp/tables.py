"""Field tables (AMQP 0-9-1, 4.2.5.5) taken apart, with their values as they are."""

from __future__ import annotations

from typing import Final

_FIXED: Final = {
    **dict.fromkeys(b"V", 0),
    **dict.fromkeys(b"tbB", 1),
    **dict.fromkeys(b"sUu", 2),
    **dict.fromkeys(b"Iif", 4),
    **dict.fromkeys(b"D", 5),
    **dict.fromkeys(b"LldT", 8),
}
"""Bytes of the values that need no size, by their type."""
_SIZED: Final = b"SxAF"


def read_table(table: bytes) -> dict[bytes, bytes]:
    """Return the values of a table by name, each with its type before it.

    Raises: ValueError
    """
    fields = {}
    at, end = 4, len(table)
    while at < end:
        value_at = at + 1 + table[at]
        after = _end_of_value(table, value_at)
        if after > end:
            raise ValueError(f"a field table ends within a field: {table!r}")
        fields[table[at + 1 : value_at]] = table[value_at:after]
        at = after
    return fields


def table_of(fields: dict[bytes, bytes]) -> bytes:
    """Return the table that holds these values, each with its type before it."""
    packed = b"".join(bytes([len(name)]) + name + value for name, value in fields.items())
    return len(packed).to_bytes(4, "big") + packed


def packed_text(text: bytes) -> bytes:
    """Return a long string as a value with its type."""
    return b"S" + len(text).to_bytes(4, "big") + text


def packed_number(number: int) -> bytes:
    """Return a signed number of 32 bits as a value with its type."""
    return b"I" + number.to_bytes(4, "big", signed=True)


def _end_of_value(table: bytes, at: int) -> int:
    """Return where a value ends whose type stands at a place."""
    kind = table[at] if at < len(table) else 0
    if kind in _FIXED:
        return at + 1 + _FIXED[kind]
    if kind in _SIZED:
        return at + 5 + int.from_bytes(table[at + 1 : at + 5], "big")
    raise ValueError(f"a field table holds a value of the unknown type {kind}")
