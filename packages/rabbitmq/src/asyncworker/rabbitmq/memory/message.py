"""A message, and its place in a queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from struct import Struct
from typing import Any, Final

from pamqp.commands import Basic
from pamqp.header import ContentHeader

_HEADER: Final = Struct("!HHQ")
"""Class, weight, and bytes of the body."""


@dataclass(frozen=True)
class Message:
    """Hold what was published. `header` is its properties as they were on the wire.

    failures: how often its delivery failed in queues that it was in before, if it is a dead letter.
    """

    exchange: str
    routing_key: str
    header: bytes
    body: bytes
    failures: int = 0

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
    """Hold a message in one queue, which delivers the least rank, and there the least position.

    expires_at: on the loop's clock, or None. returns: how often it was put back. failures: how
    often that was because its delivery had failed, counted through all queues that it was in.
    """

    rank: int
    position: int
    message: Message = field(compare=False)
    expires_at: float | None = field(compare=False)
    redelivered: bool = field(default=False, compare=False)
    returns: int = field(default=0, compare=False)
    failures: int = field(default=0, compare=False)


@dataclass(slots=True, eq=False)
class Unsettled:
    """Say what was delivered, out of which queue, and to which consumer, if not to a Basic.Get.

    is_late: whether it was not settled in time, so that the queue has taken it back.
    """

    entry: Entry
    queue: Any
    consumer: Any
    channel: Any
    is_late: bool = False


def header_of(properties: Basic.Properties) -> bytes:
    """Return properties as they are on the wire."""
    return ContentHeader(properties=properties).marshal()[_HEADER.size :]


def content_header(message: Message) -> bytes:
    """Return a header frame's payload (2.3.5.2)."""
    return _HEADER.pack(Basic.frame_id, 0, len(message.body)) + message.header
