"""Messages on their way out, in the form the wire takes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING, Final

from pamqp.header import ContentHeader

from asyncworker.rabbitmq.amqp.frames import (
    BASIC,
    BODY,
    END,
    HEADER,
    HEADER_START,
    METHOD,
    PUBLISH,
    START,
)
from asyncworker.rabbitmq.errors import NotSerializable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pamqp.commands import Basic

    from asyncworker.rabbitmq.wire.content_reader import ContentReader
    from asyncworker.rabbitmq.wire.wire import Wire

WRITE_SIZE: Final = 65_536
"""Bytes that are written at once; the messages of one loop turn are, if they are fewer."""
KNOWN: Final = 1024
"""Of how many addresses it is remembered how messages to them begin."""
_PUBLISH: Final = Struct("!BHIIH")
_MIDDLE: Final = Struct("!BBBHII")
"""Whether mandatory, the end of the method, and the start of the header."""
_END: Final = bytes([END])


@dataclass(slots=True)
class Outgoing:
    """Hold what is published.

    address: exchange and routing key, as short strings. header: properties and their flags.
    delay: seconds for which the broker is to keep it before it goes there; 0 for none.
    due: when the delay is over, in seconds since 1970; 0 if it begins once the broker has it.
    """

    body: bytes
    exchange: str
    routing_key: str
    address: bytes
    header: bytes
    mandatory: bool
    delay: float = 0.0
    due: float = 0.0

    def __str__(self) -> str:
        return f"exchange {self.exchange!r}, routing key {self.routing_key!r}"

    def check_header(self, max_payload: int) -> None:
        """Accept properties that a frame can hold: unlike a body they cannot be split.

        max_payload: bytes in one frame.
        Raises: NotSerializable
        """
        size = HEADER_START + len(self.header)
        if size > max_payload:
            raise NotSerializable(
                f"{self}: headers and properties take {size} bytes, this broker takes "
                f"{max_payload} at most: say it in the body, or raise its frame_max"
            )

    @property
    def properties(self) -> Basic.Properties:
        """Return the properties as the library takes them."""
        header = ContentHeader()
        header.unmarshal(bytes(HEADER_START) + self.header)
        return header.properties


@lru_cache(KNOWN)
def _start(
    channel: int, address: bytes, mandatory: bool, length: int
) -> tuple[bytes, Callable[..., bytes]]:
    """Return what begins a message, up to the size of its body, and what packs the next.

    length: bytes of its properties. It packs the size, they, and the start of a body.
    """
    publish = _PUBLISH.pack(METHOD, channel, 7 + len(address), PUBLISH, 0)
    middle = _MIDDLE.pack(mandatory, END, HEADER, channel, HEADER_START + length, BASIC)
    return publish + address + middle, Struct(f"!Q{length}sBBHI").pack


class Outbox:
    """Write the messages of one loop turn at its end, while their channel is open."""

    def __init__(self, number: int, reader: ContentReader, wire: Wire) -> None:
        self._number = number
        self._reader = reader
        self._wire = wire
        self._max_payload = wire.max_payload
        self.max_header = wire.max_payload - HEADER_START
        self._loop = asyncio.get_running_loop()
        self._frames: list[bytes | memoryview] = []
        self._size = 0

    def put(self, messages: Iterable[Outgoing]) -> int:
        """Have messages written, as far as there is room; return how many.

        There must be some for the first of them.
        """
        if not self._frames:
            self._loop.call_soon(self._flush)
        written = 0
        for message in messages:
            header, body = message.header, message.body
            length, size = len(header), len(body)
            if length > self.max_header or self._wire.is_full:
                break
            start, pack = _start(self._number, message.address, message.mandatory, length)
            if 0 < size <= self._max_payload:
                # Most bodies take one frame.
                self._frames += start, pack(size, header, END, BODY, self._number, size), body, _END
            else:
                self._frames += start, size.to_bytes(8), header, _END, *self._frames_of(body)
            written += 1
            self._size += length + size
            if self._size > WRITE_SIZE:
                self._flush()
        return written

    def _frames_of(self, body: bytes) -> Iterator[bytes | memoryview]:
        """Return the frames of a body in pieces (1.8.3.7), as many as it takes."""
        whole = memoryview(body)
        for at in range(0, len(body), self._max_payload):
            part = whole[at : at + self._max_payload]
            yield from (START.pack(BODY, self._number, len(part)), part, _END)

    def _flush(self) -> None:
        frames, self._frames, self._size = self._frames, [], 0
        if frames and self._reader.is_open:
            self._wire.write(b"".join(frames))
