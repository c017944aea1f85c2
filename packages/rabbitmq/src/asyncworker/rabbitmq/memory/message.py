"""A message, and its place in a queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from pamqp.commands import Basic
from pamqp.encode import encode_table_value

from asyncworker.rabbitmq.properties import (
    HEADERS,
    PRIORITY,
    join_properties,
    read_headers,
    short_string,
    split_properties,
)
from asyncworker.rabbitmq.tables import read_table, table_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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
    def parts(self) -> dict[int, bytes]:
        """Return each property as it was on the wire, by its flag."""
        return split_properties(self.header)

    @cached_property
    def headers(self) -> dict[str, Any]:
        """Return the headers among the properties. They are not to be changed."""
        return read_headers(self.parts.get(HEADERS, b""))

    @property
    def priority(self) -> int | None:
        """Return the priority, None if there is none."""
        return self.parts[PRIORITY][0] if PRIORITY in self.parts else None

    def text(self, flag: int) -> str | None:
        """Return a property that is a text, None if it is not there."""
        return short_string(self.parts[flag], 0)[0] if flag in self.parts else None

    def header_with(self, headers: Mapping[str, Any], without: Collection[int] = ()) -> bytes:
        """Return the properties with other headers besides, and without some of them."""
        fields = read_table(self.parts.get(HEADERS, b""))
        fields |= {name.encode(): encode_table_value(headers[name]) for name in headers}
        parts = {flag: value for flag, value in self.parts.items() if flag not in without}
        return join_properties(parts | {HEADERS: table_of(fields)})


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


def content_header(message: Message) -> bytes:
    """Return a header frame's payload (2.3.5.2)."""
    return _HEADER.pack(Basic.frame_id, 0, len(message.body)) + message.header
