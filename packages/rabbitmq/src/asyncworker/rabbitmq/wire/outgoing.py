"""Messages on their way out, in the form the wire takes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
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
    from collections.abc import Sequence

    from pamqp.commands import Basic

    from asyncworker.rabbitmq.wire.content_reader import ContentReader
    from asyncworker.rabbitmq.wire.wire import Wire

WRITE_SIZE: Final = 65_536
"""Bytes that are written at once; the messages of one loop turn are, if they are fewer."""
_PUBLISH: Final = Struct("!BHIIH")
_MIDDLE: Final = Struct("!BBBHIIQ")
"""Whether mandatory, the end of the method, and the start of the header."""
_END_AND_BODY: Final = Struct("!BBHI")
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

    def frames(self, channel: int, max_payload: int) -> Sequence[bytes | memoryview]:
        """Return Basic.Publish, the header and the body (1.8.3.7), in pieces.

        max_payload: bytes of body in one frame.
        """
        address, header, body = self.address, self.header, self.body
        size, length = len(body), HEADER_START + len(header)
        publish = _PUBLISH.pack(METHOD, channel, 7 + len(address), PUBLISH, 0)
        flag = 1 if self.mandatory else 0
        middle = _MIDDLE.pack(flag, END, HEADER, channel, length, BASIC, size)
        if 0 < size <= max_payload:
            # Most bodies take one frame.
            start = _END_AND_BODY.pack(END, BODY, channel, size)
            return publish, address, middle, header, start, body, _END
        pieces: list[bytes | memoryview] = [publish, address, middle, header, _END]
        for at in range(0, size, max_payload):
            part = memoryview(body)[at : at + max_payload]
            pieces += (START.pack(BODY, channel, len(part)), part, _END)
        return pieces


class Outbox:
    """Write the messages of one loop turn at its end, while their channel is open."""

    def __init__(self, number: int, reader: ContentReader, wire: Wire) -> None:
        self._number = number
        self._reader = reader
        self._wire = wire
        self._max_payload = wire.max_payload
        self._loop = asyncio.get_running_loop()
        self._frames: list[bytes | memoryview] = []
        self._size = 0

    def put(self, message: Outgoing) -> None:
        """Have a message written."""
        if not self._frames:
            self._loop.call_soon(self._flush)
        self._frames += message.frames(self._number, self._max_payload)
        self._size += len(message.header) + len(message.body)
        if self._size > WRITE_SIZE:
            self._flush()

    def _flush(self) -> None:
        frames, self._frames, self._size = self._frames, [], 0
        if frames and self._reader.is_open:
            self._wire.write(b"".join(frames))
