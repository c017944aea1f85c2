"""Something that is done, as a span tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Carrier: TypeAlias = Mapping[str, str]
"""Headers by which the context of a span goes from one process to another, by name."""
Kind: TypeAlias = Literal["CONSUMER", "INTERNAL", "PRODUCER", "SERVER"]


@dataclass(frozen=True, slots=True)
class Operation:
    """Say what a span tells of what is done.

    kind: that of the span. attributes: by the names of OpenTelemetry's semantic conventions.
    parent: what carries the context that it goes on in; without one it begins a trace.
    links: what carries the other contexts that it has to do with.
    """

    name: str
    kind: Kind
    attributes: Mapping[str, str | int]
    parent: Carrier = field(default_factory=dict)
    links: Iterable[Carrier] = ()
