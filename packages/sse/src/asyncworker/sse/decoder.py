"""Bytes to events, without I/O."""

from __future__ import annotations

from typing import Final

from asyncworker.sse.errors import EventTooLarge
from asyncworker.sse.event import SSEEvent

MAX_EVENT_SIZE: Final = 8 * 1024 * 1024
"""Bytes of one line, and of the data lines of one event."""
BOM: Final = b"\xef\xbb\xbf"
MAX_DIGITS: Final = 15
"""Digits of a `retry` that are read: more milliseconds make no difference to anyone."""


class Decoder:
    """Turn the bytes of a stream into events, however they are cut (WHATWG HTML 9.2.5, 9.2.6).

    route: what its events say they came by. max_size: bytes, see `MAX_EVENT_SIZE`.

    `last_event_id` and `retry` (milliseconds, or None) are what the server said last; they outlive
    a stream. It is linear in time, and holds no more than one event and one unfinished line.
    """

    def __init__(self, route: str = "", max_size: int = MAX_EVENT_SIZE) -> None:
        self.last_event_id = ""
        self.retry: int | None = None
        self._route = route
        self._max_size = max_size
        self.restart()

    def restart(self) -> None:
        """Forget what is unfinished, before the next stream."""
        self._at_start = True
        self._after_cr = False
        self._line = bytearray()
        self._name = ""
        self._data = bytearray()
        self._size = 0
        self._id = self.last_event_id

    def feed(self, chunk: bytes) -> list[SSEEvent]:
        """Return the events that these bytes complete.

        Raises: EventTooLarge, which holds the events before it; only `restart()` helps then.
        """
        events: list[SSEEvent] = []
        for line in self._lines(chunk):
            if line[:6] == b"data: ":
                # By far the most frequent line.
                self._add_data(line[6:], len(line), events)
            elif line:
                self._field(line, events)
            elif self._data:
                events.append(self._event())
            else:
                self._name = ""
                self.last_event_id = self._id
        if len(self._line) > self._max_size:
            raise EventTooLarge(self._max_size, events)
        return events

    def _lines(self, chunk: bytes) -> list[bytes]:
        """Return the lines that these bytes complete, and keep the unfinished one."""
        if self._at_start:
            chunk = self._without_bom(chunk)
        chunk = self._with_lf(chunk)
        whole, newline, rest = chunk.rpartition(b"\n")
        if newline and self._line:
            whole = bytes(self._line) + whole
            self._line.clear()
        self._line += rest
        return whole.split(b"\n") if newline else []

    def _without_bom(self, chunk: bytes) -> bytes:
        chunk = bytes(self._line) + chunk
        self._line.clear()
        if BOM.startswith(chunk):
            # Too few bytes to tell.
            self._line += chunk
            return b""
        self._at_start = False
        return chunk.removeprefix(BOM)

    def _with_lf(self, chunk: bytes) -> bytes:
        """Return the bytes with each CR LF and each CR as one LF."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _add_data(self, value: bytes, size: int, events: list[SSEEvent]) -> None:
        self._size += size
        if self._size > self._max_size:
            raise EventTooLarge(self._max_size, events)
        # Not a list: each line would be an object of its own, many times as large if it is short.
        self._data += value
        self._data += b"\n"

    def _field(self, line: bytes, events: list[SSEEvent]) -> None:
        if len(line) > self._max_size:
            raise EventTooLarge(self._max_size, events)
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._add_data(value, len(line), events)
        elif name == b"event":
            self._name = _text(value)
        elif name == b"id":
            if b"\0" not in value:
                self._id = _text(value)
        elif name == b"retry" and value.isdigit():
            self.retry = int((value.lstrip(b"0") or b"0")[:MAX_DIGITS])

    def _event(self) -> SSEEvent:
        """Return the event that is complete, and start the next one."""
        self.last_event_id = self._id
        del self._data[-1]
        event = SSEEvent(self._name or "message", _text(self._data), self._id, self._route)
        self._name = ""
        self._data.clear()
        self._size = 0
        return event


def _text(value: bytes | bytearray) -> str:
    # No byte of a line end is part of another UTF-8 character, so that each line, and each part
    # of one after a colon, decodes to what it is within the whole stream.
    return value.decode("utf-8", "replace")
