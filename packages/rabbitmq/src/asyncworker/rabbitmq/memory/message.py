"""A message, and its place in a queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from struct import Struct
from typing import Any, Final, NamedTuple

from pamqp.commands import Basic
from pamqp.header import ContentHeader

_HEADER: Final = Struct("!HHQ")
"""Class, weight, and bytes of the body."""


@dataclass(frozen=True)
class Message:
    """Hold what was published. `header` is its properties as they were on the wire."""

    exchange: str
    routing_key: str
    header: bytes
    body: bytes

    @cached_property
    def properties(self) -> Basic.Properties:
        """Return the properties, decoded. They are not to be changed."""
        content = ContentHeader()
        content.unmarshal(content_header(self))
        return content.properties

    @property
    def headers(self) -> dict[str, Any]:
        """Return the headers among the properties."""
        return self.properties.headers or {}


@dataclass(slots=True, order=True)
class Entry:
    """Hold a message in one queue. Its position stays the same, however often it is put back.

    expires_at: on the loop's clock, or None.
    """

    position: int
    message: Message = field(compare=False)
    expires_at: float | None = field(compare=False)
    redelivered: bool = field(default=False, compare=False)


class Unsettled(NamedTuple):
    """Say what was delivered, out of which queue, and to which consumer, if not to a Basic.Get."""

    entry: Entry
    queue: Any
    consumer: Any


def content_header(message: Message) -> bytes:
    """Return a header frame's payload (2.3.5.2)."""
    return _HEADER.pack(Basic.frame_id, 0, len(message.body)) + message.header
