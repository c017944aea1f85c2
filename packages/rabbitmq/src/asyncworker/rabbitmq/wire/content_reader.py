"""One channel's content, out of the frames that it comes in."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from asyncworker.rabbitmq.amqp.frames import (
    ACK,
    BASIC,
    BODY,
    CHANNEL_CLOSE,
    CHANNEL_CLOSE_OK,
    DELIVER,
    END,
    GET_OK,
    HEADER,
    METHOD,
    NACK,
    OVERHEAD,
    RETURN,
    START,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Content: TypeAlias = tuple[int, bytes, bytes, bytes]
"""Method, its arguments, the properties with their flags, and the body, as they were on the wire.

A confirm has neither properties nor body.
"""

_START_OF_HEADER: Final = Struct("!IQ")
_SMALLEST_HEADER: Final = OVERHEAD + _START_OF_HEADER.size + 2
"""Bytes of a header frame without properties."""
_CONFIRM_SIZE: Final = 21
_AT: Final = 7
"""Where the payload of a frame begins."""
_SMALLEST_METHOD: Final = OVERHEAD + 4
"""Bytes of a method frame without arguments."""
KNOWN: Final = 256
"""Shapes of deliveries that are remembered."""
_NEXT: Final = Struct("!BHII")
"""Kind, channel, bytes of payload, and method, or class and weight."""
_TAIL: Final = Struct("!BBH")
"""The end of a frame, and the kind and the channel of the next one."""
_read_next: Final = _NEXT.unpack_from
_read_method: Final = Struct("!I").unpack_from
_read_start: Final = START.unpack_from
_read_header: Final = Struct("!BHIIQ").unpack_from
"""Kind, channel, bytes of payload, class and weight, bytes of body."""


class Malformed(Exception):
    """Report bytes that are not AMQP."""


class ContentReader:
    """Assemble what is delivered, returned and confirmed on one channel.

    take: gets all that one read brought, and returns how many more have to come before any of them
    is of use. max_payload: bytes in one frame. `is_open` tells whether the channel may be written
    to.
    """

    def __init__(self, number: int, take: Callable[[list[Content]], int], max_payload: int) -> None:
        self.is_open = True
        self.is_over = False
        """Whether the broker says nothing more on this channel."""
        self.wanted = 1
        """How many more have to come before any of them is of use."""
        self._number = number
        self._hand = take
        self._max_payload = max_payload
        self._ready: list[Content] = []
        self._partial: _Partial | None = None
        self._last_sizes = (0, 0)
        """Bytes of the frames before the body, of the last delivery that was read by itself."""

    def hand_over(self) -> int:
        """Pass on what is complete; return how many that are."""
        ready = self._ready
        if not ready:
            return 0
        self._ready = []
        self.wanted = self._hand(ready)
        return len(ready)

    def take(self, kind: int, data: bytes, position: int, after: int) -> int:
        """Return where to go on reading, or 0 when the frame from position is not for here.

        Raises: Malformed
        """
        if kind == METHOD:
            # Of a payload too short for a method this reads bytes beyond, which match none.
            (method,) = _read_method(data, position + _AT) if after - position > 11 else (0,)
            if method == DELIVER and self._partial is None:
                return self._whole(data, position, after) or self._begin(
                    method, data, position, after
                )
            return self._method(method, data, position, after)
        return self._content_frame(kind, data[position + _AT : after - 1], after)

    def _whole(self, data: bytes, position: int, header_at: int) -> int:
        """Take deliveries whose frames are all here, as most are; judge nothing that is odd.

        position, header_at: where the first one begins, and its header. Return where to go on.
        """
        # All that follow each other in one go: a call for each would take a tenth of all time.
        taken, end = 0, len(data)
        own, max_payload, append = self._number, self._max_payload, self._ready.append
        while end - header_at >= _SMALLEST_HEADER:
            kind, number, size, what, length = _read_header(data, header_at)
            body_at = header_at + size + OVERHEAD
            if kind != HEADER or number != own or what != BASIC or end - body_at < OVERHEAD:
                break
            kind, number, in_frame = _read_start(data, body_at)
            after: int = body_at + in_frame + OVERHEAD
            if kind != BODY or number != own or in_frame != length or after > end:
                break
            is_odd = data[body_at - 1] != END or data[after - 1] != END
            if is_odd or not 0 < length <= max_payload >= size:
                break
            append(
                (
                    DELIVER,
                    data[position + 11 : header_at - 1],
                    data[header_at + 19 : body_at - 1],
                    data[body_at + _AT : after - 1],
                )
            )
            sizes = header_at - position, body_at - header_at
            taken = position = self._alike(data, after, sizes)
            if end - position < _SMALLEST_METHOD:
                break
            kind, number, size, method = _read_next(data, position)
            header_at = position + size + OVERHEAD
            if method != DELIVER or kind != METHOD or number != own or not 4 <= size <= max_payload:
                break
            if header_at > end or data[header_at - 1] != END:
                break
        return taken

    def _alike(self, data: bytes, position: int, sizes: tuple[int, int]) -> int:
        """Take deliveries that follow one with frames of such sizes, as far as they are like it.

        Return where the first one begins that is not, or is not here; judge nothing.
        """
        if sizes != self._last_sizes:
            # Where they differ all the time, nothing is to be gained.
            self._last_sizes = sizes
            return position
        # Those of a queue mostly come from one publisher. All of one at once takes half as long as
        # frame by frame.
        read, size, start, header_start, body_start = _shape(self._number, *sizes)
        append, max_payload, end = self._ready.append, self._max_payload, len(data)
        while end - position > size:
            method, arguments, header, length, properties, body, in_frame = read(data, position)
            last = position + size + in_frame
            if method != start or header != header_start or body != body_start or last >= end:
                break
            if in_frame != length or data[last] != END or not 0 < length <= max_payload:
                break
            append((DELIVER, arguments, properties, data[position + size : last]))
            position = last + 1
        return position

    def _method(self, method: int, data: bytes, position: int, after: int) -> int:
        if self._partial is not None:
            raise self._malformed("a method stands amid the frames of a message")
        if method in (DELIVER, RETURN, GET_OK):
            return self._begin(method, data, position, after)
        if method in (ACK, NACK):
            if after - position != _CONFIRM_SIZE:
                raise self._malformed("a confirm has another size than a number and its bits")
            self._ready.append((method, data[position + 11 : after - 1], b"", b""))
            return after
        if method in (CHANNEL_CLOSE, CHANNEL_CLOSE_OK):
            self.is_open = False
            self.is_over = True
        return 0

    def _begin(self, method: int, data: bytes, position: int, after: int) -> int:
        self._partial = _Partial(method, data[position + 11 : after - 1])
        return 0 if method == GET_OK else after

    def _content_frame(self, kind: int, payload: bytes, after: int) -> int:
        partial = self._partial
        if kind not in (HEADER, BODY):
            return 0
        if partial is None:
            raise self._malformed("a header or a body belongs to no message")
        missing = self._header_read(partial, payload) if kind == HEADER else partial.missing
        if kind == BODY:
            missing -= len(payload)
            partial.pieces.append(payload)
        if missing < 0:
            raise self._malformed("a body is longer than its header says, or comes before it")
        partial.missing = missing
        if not missing:
            self._complete(partial)
        return 0 if partial.method == GET_OK else after

    def _header_read(self, partial: _Partial, payload: bytes) -> int:
        """Return how many bytes of body follow."""
        if partial.properties or len(payload) < _START_OF_HEADER.size + 2:
            raise self._malformed("a message has a second header, or one that is too short")
        what, length = _START_OF_HEADER.unpack_from(payload)
        if what != BASIC:
            raise self._malformed("a header is of another class than its message")
        partial.properties = payload[_START_OF_HEADER.size :]
        return int(length)

    def _complete(self, partial: _Partial) -> None:
        self._partial = None
        if partial.method != GET_OK:
            body = b"".join(partial.pieces)
            self._ready.append((partial.method, partial.arguments, partial.properties, body))

    def _malformed(self, reason: str) -> Malformed:
        return Malformed(f"channel {self._number}: {reason}")


class _Shape(NamedTuple):
    """Tell what deliveries have in common whose frames are of the same sizes, but for the body.

    read: returns what stands before the body: method, arguments, header, bytes of body, properties,
    body, bytes of body in the first frame. size: how many bytes that is.
    method, header, body: how these frames begin, each but the first with the end of the one before.
    """

    read: Callable[[bytes, int], tuple[Any, ...]]
    size: int
    method: bytes
    header: bytes
    body: bytes


@lru_cache(KNOWN)
def _shape(number: int, method: int, header: int) -> _Shape:
    """Return that of deliveries on a channel. method, header: bytes of these frames."""
    arguments, properties = method - _SMALLEST_METHOD, header - _SMALLEST_HEADER + 2
    layout = Struct(f"!{_NEXT.size}s{arguments}s{_NEXT.size + 1}sQ{properties}s{_TAIL.size}sI")
    return _Shape(
        read=layout.unpack_from,
        size=layout.size,
        method=_NEXT.pack(METHOD, number, method - OVERHEAD, DELIVER),
        header=bytes([END]) + _NEXT.pack(HEADER, number, header - OVERHEAD, BASIC),
        body=_TAIL.pack(END, BODY, number),
    )


@dataclass(slots=True)
class _Partial:
    """Hold what is here of a message. missing: bytes of body, -1 until there is a header."""

    method: int
    arguments: bytes
    properties: bytes = b""
    pieces: list[bytes] = field(default_factory=list)
    missing: int = -1
