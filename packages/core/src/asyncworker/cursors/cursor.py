"""Cursor: what keeps a place."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, runtime_checkable

from asyncworker.errors import ConfigurationError

Place: TypeAlias = int | str
"""The offset of a message in a stream of RabbitMQ, or the id of an event."""


@runtime_checkable
class Cursor(Protocol):
    """Keep the place of one route in one stream: a `FileCursor`, or an object of your own.

    What either raises is tried again, and is a problem of the route meanwhile.
    """

    async def load(self) -> Place | None:
        """Return the place that was saved last: all up to there is handled. None: there is none."""
        ...

    async def save(self, place: Place, /) -> None:
        """Keep a place in place of the one before."""
        ...


def checked_cursor(value: Any, streams: int) -> Cursor | None:
    """Return what keeps the place of a route.

    streams: how many the route reads.
    Raises: ConfigurationError
    """
    if value is None:
        return None
    # A class has these methods too, but for none of its objects.
    if isinstance(value, type) or not isinstance(value, Cursor):
        raise ConfigurationError(
            f"cursor must be a FileCursor, or an object with async load() and async save(place), "
            f"got {value!r}"
        )
    if streams != 1:
        raise ConfigurationError(
            f"cursor= keeps the place in one stream, and the route reads {streams}: "
            "write a route for each"
        )
    return value
