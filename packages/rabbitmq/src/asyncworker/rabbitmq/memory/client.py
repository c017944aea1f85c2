"""A client, as the broker knows it, and messages in the frames that come and go (2.3.5.2)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any, Final

import pamqp.frame
from pamqp.commands import Basic, Connection

from asyncworker.rabbitmq.amqp.frames import BODY, END, HEADER, OVERHEAD, START
from asyncworker.rabbitmq.memory.errors import Refused, method_of
from asyncworker.rabbitmq.memory.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.rabbitmq.memory.vhost import VirtualHost

FRAME_MAX: Final = 131_072
_HEADER: Final = Struct("!HHQ")
"""Class, weight, and bytes of the body."""


class Client:
    """Send frames to a client, which any name and password let in.

    write: takes bytes for it. hang_up: ends the way to it.
    """

    def __init__(self, write: Callable[[bytes], None], hang_up: Callable[[], None]) -> None:
        self.write = write
        self.hang_up = hang_up
        self.vhost: VirtualHost
        self.user = "guest"
        self.knows_cancel = False
        self.frame_max = FRAME_MAX
        self.is_closing = False

    def send(self, channel: int, frame: Any) -> None:
        """Send a frame."""
        self.write(pamqp.frame.marshal(frame, channel))

    def send_content(self, channel: int, method: Any, message: Message) -> None:
        """Send a message behind the method that says what it is."""
        size = self.frame_max - OVERHEAD
        self.send(channel, method)
        header = _HEADER.pack(Basic.frame_id, 0, len(message.body)) + message.header
        self._send_payload(HEADER, channel, header)
        for at in range(0, len(message.body), size):
            self._send_payload(BODY, channel, message.body[at : at + size])

    def _send_payload(self, kind: int, channel: int, payload: bytes) -> None:
        self.write(START.pack(kind, channel, len(payload)) + payload + bytes([END]))

    def fail(self, error: Refused, frame: Any = None) -> None:
        """Close the connection, and say why."""
        if not self.is_closing:
            self.is_closing = True
            self.send(0, Connection.Close(error.code, str(error)[:255], *method_of(frame)))


class Content:
    """Gather the frames of a message that is being published."""

    def __init__(self, frame: Basic.Publish) -> None:
        self.frame = frame
        self._header: bytes | None = None
        self._missing = 0
        self._parts: list[bytes] = []

    def take(self, payload: bytes, *, is_header: bool) -> bool:
        """Take the next frame, and tell whether it was the last.

        Raises: Refused
        """
        if is_header is (self._header is not None):
            raise Refused(505, "content frames come in the wrong order")
        if is_header:
            self._missing = _HEADER.unpack_from(payload)[2]
            self._header = payload[_HEADER.size :]
        else:
            self._parts.append(payload)
            self._missing -= len(payload)
        if self._missing < 0:
            raise Refused(501, "content is longer than its header says")
        return self._missing == 0

    @property
    def message(self) -> Message:
        """Return the message, once it is whole."""
        return Message(
            exchange=self.frame.exchange,
            routing_key=self.frame.routing_key,
            header=self._header or b"\x00\x00",
            body=b"".join(self._parts),
        )
