"""A message, as it was published."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pamqp.encode import encode_table_value

from asyncworker.rabbitmq.amqp.properties import (
    HEADERS,
    PRIORITY,
    join_properties,
    read_headers,
    short_string,
    split_properties,
)
from asyncworker.rabbitmq.amqp.tables import read_table, table_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


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

    def with_text(self, flag: int, text: str) -> Message:
        """Return the message with another text for a property."""
        value = text.encode()
        parts = self.parts | {flag: bytes((len(value),)) + value}
        return replace(self, header=join_properties(parts))

    def header_with(self, headers: Mapping[str, Any], without: Collection[int] = ()) -> bytes:
        """Return the properties with other headers besides, and without some of them."""
        fields = read_table(self.parts.get(HEADERS, b""))
        fields |= {name.encode(): encode_table_value(headers[name]) for name in headers}
        parts = {flag: value for flag, value in self.parts.items() if flag not in without}
        return join_properties(parts | {HEADERS: table_of(fields)})
