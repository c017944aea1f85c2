"""SSEEvent: what a handler yields to send an event, and how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from reprlib import repr as short_repr
from typing import Any, Final

from asyncworker.http.responses import Unanswerable

FIELDS: Final = ("name", "data", "id")
DEFAULT: Final = "message"
"""The name of events without one."""
COMMENT: Final = b":\n\n"
"""What clients pass over, and what keeps those between them and us from closing the connection."""

_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_IMPOSSIBLE: Final = {"name": "\r\n", "id": "\r\n\0"}
"""Characters that would end the line, or for which clients ignore it."""


@dataclass(slots=True)
class SSEEvent:
    """Be one event of an event stream, for a handler that yields it.

    name: its type; "message" is that of events without one. data: its text, of any number of lines.
    id: what a client that comes back names as `Last-Event-ID`; "" for none.
    """

    name: str
    data: str
    id: str = ""


def is_event(value: object) -> bool:
    """Tell whether a value has all that an event has, whatever its class; or a class, if it says.

    The events of asyncworker-sse are such, which this package does not know.
    """
    return all(hasattr(value, field) for field in FIELDS)


def written(event: Any) -> bytes:
    """Return an event as it is sent (WHATWG HTML 9.2.5).

    Raises: Unanswerable
    """
    name, data, id_ = (_text(event, field) for field in FIELDS)
    lines = []
    if id_:
        lines.append(f"id: {id_}")
    if name not in ("", DEFAULT):
        lines.append(f"event: {name}")
    lines += [f"data: {line}" for line in _LINE_END.split(data)]
    try:
        return "\n".join((*lines, "\n")).encode()
    except UnicodeEncodeError as error:
        raise Unanswerable(f"an event that cannot be encoded: {error}") from None


def _text(event: Any, field: str) -> str:
    value = getattr(event, field)
    if not isinstance(value, str):
        kind = type(value).__qualname__
        raise Unanswerable(f"an event whose {field} is {short_repr(value)} ({kind}): give it a str")
    if not set(_IMPOSSIBLE.get(field, "")).isdisjoint(value):
        raise Unanswerable(f"an event whose {field} is {short_repr(value)}: it must be one line")
    return value
