"""Offset: where in a stream a route begins, and where a message stands in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final, Literal, TypeAlias

from asyncworker.errors import ConfigurationError, suggestion
from asyncworker.rabbitmq.amqp.properties import read_properties, value_of
from asyncworker.rabbitmq.amqp.tables import read_table

Offset: TypeAlias = Literal["next", "first", "last"] | int | datetime | timedelta
NAMES: Final = ("next", "first", "last")
ARGUMENT: Final = "x-stream-offset"
HEADER: Final = ARGUMENT.encode()
HIGHEST: Final = 2**63 - 1


def checked_offset(value: Any) -> Offset:
    """Return where a route begins to read.

    Raises: ConfigurationError
    """
    # What the broker cannot read may end the connection, and that of all else on it (3.10.8).
    if isinstance(value, str):
        if value not in NAMES:
            hint = suggestion(value, NAMES)
            raise ConfigurationError(f"offset={value!r} is unknown: {hint}")
    elif isinstance(value, datetime):
        if value.tzinfo is None:
            raise ConfigurationError(
                f"offset={value!r} has no time zone: write datetime(..., tzinfo=UTC)"
            )
    elif isinstance(value, timedelta):
        if value <= timedelta():
            raise ConfigurationError(
                f"offset={value!r} is how long ago it was published: give it more than 0"
            )
    elif type(value) is not int or not 0 <= value <= HIGHEST:
        raise ConfigurationError(
            "offset must be 'next', 'first', 'last', a number from 0, a datetime, or a timedelta "
            f"for how long ago, got {value!r}"
        )
    offset: Offset = value
    return offset


def argument_of(offset: Offset) -> Any:
    """Return what Basic.Consume says of it (https://www.rabbitmq.com/docs/streams)."""
    return ago(offset.total_seconds()) if isinstance(offset, timedelta) else offset


def ago(seconds: float) -> str:
    """Return what Basic.Consume says of a time before now, by the broker's clock."""
    return f"{max(1, ceil(seconds))}s"


def offset_of(properties: bytes) -> int | None:
    """Return where a message stands in its stream; None if it came out of none."""
    if HEADER not in properties:
        return None
    try:
        # The broker writes it over what somebody else may have written there.
        found = value_of(read_table(read_properties(properties).headers).get(HEADER, b""))
    except ValueError:
        return None
    return found if type(found) is int else None
