"""What kind of stream it is, by the first value that is yielded: text, octets or events."""

from __future__ import annotations

from dataclasses import dataclass
from reprlib import repr as short_repr
from typing import TYPE_CHECKING, Any, Final

from aiohttp import hdrs

from asyncworker.http.responses import BINARY, Unanswerable
from asyncworker.http.streaming.event import is_event, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EXPECTED: Final = "yield str, bytes, or SSEEvents alone"
BYTES: Final = (bytes, bytearray, memoryview)


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Hold the headers of a stream, and what makes bytes of each value.

    encode raises Unanswerable.
    """

    headers: Mapping[str, str]
    encode: Callable[[Any], bytes]


def kind_of(value: object) -> Kind:
    """Return the kind of the stream that begins with a value.

    Raises: Unanswerable
    """
    if isinstance(value, str):
        return TEXT
    if isinstance(value, BYTES):
        return OCTETS
    if is_event(value) and not isinstance(value, type):
        return EVENTS
    raise _unanswerable(value)


def _chunk(value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise Unanswerable(f"{short_repr(value)}, which cannot be encoded: {error}") from None
    if isinstance(value, BYTES):
        # The generator may fill its buffer again while this one still waits to be sent.
        return bytes(value)
    raise _unanswerable(value)


def _event(value: Any) -> bytes:
    if not is_event(value) or isinstance(value, type):
        raise _unanswerable(value)
    return written(value)


def _unanswerable(value: object) -> Unanswerable:
    return Unanswerable(f"{short_repr(value)} ({type(value).__qualname__}): {EXPECTED}")


TEXT: Final = Kind({hdrs.CONTENT_TYPE: "text/plain; charset=utf-8"}, _chunk)
OCTETS: Final = Kind({hdrs.CONTENT_TYPE: BINARY}, _chunk)
EVENTS: Final = Kind(
    {
        hdrs.CONTENT_TYPE: "text/event-stream",
        hdrs.CACHE_CONTROL: "no-cache",
        # nginx would gather events until its buffer is full.
        "X-Accel-Buffering": "no",
    },
    _event,
)
