"""What a connection reads: content of some channels comes here, all else goes to the library."""

from __future__ import annotations

import asyncio
from struct import Struct
from typing import TYPE_CHECKING, Final

from aiormq.exceptions import InvalidFrameError

from asyncworker.rabbitmq.amqp.frames import (
    CHANNEL_CLOSE,
    CHANNEL_CLOSE_OK,
    CONNECTION_CLOSE,
    CONNECTION_CLOSE_OK,
    END,
    HEADER,
    HEARTBEAT,
    KINDS,
    METHOD,
    OVERHEAD,
    START,
    payload_of,
)
from asyncworker.rabbitmq.wire.content_reader import ContentReader, Malformed

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.rabbitmq.wire.coalescing import Coalescing
    from asyncworker.rabbitmq.wire.content_reader import Content

DEFAULT_FRAME_MAX: Final = 131_072
"""Bytes of the largest frame before one is negotiated."""
LARGEST_HEADER: Final = 2**24
"""Bytes of a header, whatever was negotiated, as the broker cannot split one. To headers that just
fit it adds what it counts itself, and whoever publishes may have larger frames than we do."""
HIGH_WATER: Final = 65_536
"""Bytes that wait to be written before publishers have to wait too."""
HEARTBEAT_EVERY: Final = 1.0
"""Seconds between heartbeats for the library, which counts only what it reads itself."""
_START_OF_METHOD: Final = Struct("!BHII")


class Wire(asyncio.StreamReader):
    """Read the frames of one connection, each of them once and whole.

    Deliveries, returns and confirms of the channels that `open()` names go to their readers, those
    of one read together. Every other frame is the library's, byte by byte. A frame that cannot be
    ends the connection.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.writer: asyncio.StreamWriter
        self.coalescing: Coalescing | None = None
        self.max_payload = DEFAULT_FRAME_MAX - OVERHEAD
        self.is_closing = False
        """Whether the library has said that the connection ends."""
        self.is_full = False
        """Whether the broker reads more slowly than is written."""
        self._clock = loop.time
        self._readers: dict[int, ContentReader] = {}
        self._pieces: list[bytes] = []
        self._have = 0
        self._need = 0
        self._passed_at = 0.0

    def limit(self, frame_max: int) -> None:
        """Take the largest frame that was negotiated, in bytes; 0 is none."""
        self.max_payload = payload_of(frame_max)

    def open(self, number: int, take: Callable[[list[Content]], int]) -> ContentReader:
        """Have the content of a channel handed over, all that one read brought at once.

        take: returns how many more have to come before any of them is of use.
        """
        # Each read goes through all of them: those of closed channels must not add up.
        self._readers = {one: reader for one, reader in self._readers.items() if not reader.is_over}
        reader = self._readers[number] = ContentReader(number, take, self.max_payload)
        return reader

    def write(self, frames: bytes) -> None:
        """Write whole frames, unless the connection ends."""
        transport = self.writer.transport
        if not self.is_closing and not transport.is_closing():
            transport.write(frames)
            self.is_full = transport.get_write_buffer_size() > HIGH_WATER

    async def drain(self) -> None:
        """Wait until the broker has read most of what was written.

        Raises: OSError, InvalidFrameError
        """
        await self.writer.drain()
        self.is_full = False

    def sent(self, data: bytes | bytearray | memoryview) -> None:
        """Note which channels the library closes, as nothing may be written on them after."""
        if len(data) < _START_OF_METHOD.size:
            return
        kind, number, _, method = _START_OF_METHOD.unpack_from(data)
        if kind != METHOD:
            return
        if method in (CONNECTION_CLOSE, CONNECTION_CLOSE_OK):
            self.is_closing = True
        elif method in (CHANNEL_CLOSE, CHANNEL_CLOSE_OK) and number in self._readers:
            self._readers[number].is_open = False

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]
        """Take what was read from the socket, however it is split."""
        if self.exception() is not None:
            return
        if self._pieces:
            data = self._joined(data)
        try:
            rest = self._parse(data)
            count = sum([reader.hand_over() for reader in tuple(self._readers.values())])
        except Malformed as error:
            self._pieces.clear()
            self.set_exception(InvalidFrameError(f"the broker sent no valid AMQP: {error}"))
            return
        if count and self.coalescing is not None:
            wanted = min(reader.wanted for reader in self._readers.values())
            self.coalescing.read(rest, count, wanted)
        if rest < len(data):
            self._keep(data[rest:])
        if self._readers and self._clock() - self._passed_at >= HEARTBEAT_EVERY:
            # The broker is there, though the library may see nothing of it.
            self._pass_on(HEARTBEAT)

    def _joined(self, data: bytes) -> bytes:
        """Return all bytes since the last whole frame, or none until the next one is whole."""
        self._pieces.append(data)
        self._have += len(data)
        if self._have < self._need:
            return b""
        data = b"".join(self._pieces)
        self._pieces.clear()
        return data

    def _keep(self, rest: bytes) -> None:
        """Hold the start of a frame. Its size is known from 8 bytes on, and joined only then."""
        self._pieces.append(rest)
        self._have = len(rest)
        self._need = OVERHEAD
        if self._have >= OVERHEAD:
            self._need += START.unpack_from(rest)[2]

    def _parse(self, data: bytes) -> int:
        """Pass on each whole frame; return where the first incomplete one begins."""
        readers, max_payload, end = self._readers, self.max_payload, len(data)
        passed = position = 0
        read_start = START.unpack_from
        while end - position >= OVERHEAD:
            kind, number, size = read_start(data, position)
            after = position + OVERHEAD + size
            if size > max_payload and not (kind == HEADER and size <= LARGEST_HEADER):
                raise _complaint(data[position:after], max_payload)
            if after <= end and data[after - 1] != END:
                raise _complaint(data[position:after], max_payload)
            if after > end:
                break
            reader = readers.get(number)
            taken = 0 if reader is None else reader.take(kind, data, position, after)
            if not taken:
                position = after
                continue
            if passed < position:
                self._pass_on(data[passed:position])
            passed = position = taken
        if passed < position:
            self._pass_on(data[passed:position])
        return position

    def _pass_on(self, frames: bytes) -> None:
        """Leave frames to the library, which by them sees that the broker is there."""
        self._passed_at = self._clock()
        super().feed_data(frames)


def _complaint(frame: bytes, max_payload: int) -> Malformed:
    kind, number, size = START.unpack_from(frame)
    if kind not in KINDS:
        return Malformed(f"it begins with {frame[:OVERHEAD]!r}")
    if size > max_payload:
        return Malformed(f"a frame of channel {number} has {size} bytes, {max_payload} at most")
    return Malformed(f"a frame of channel {number} does not end where it says")
