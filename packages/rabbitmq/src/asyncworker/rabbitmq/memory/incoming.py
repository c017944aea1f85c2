"""A message that is being published, until all of it is here."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.message import Message

if TYPE_CHECKING:
    from pamqp.commands import Basic

_HEADER: Final = Struct("!HHQ")
"""Class, weight and size of the body (2.3.5.2)."""


class Incoming:
    """Gather the frames of one message."""

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
