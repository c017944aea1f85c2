"""What lines say by themselves that are logged while events are handled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.log_fields import Subject
from asyncworker.sse.address import shown

if TYPE_CHECKING:
    from asyncworker.log_fields import Fields
    from asyncworker.sse.event import SSEEvent

Essence = tuple[int, str, str]
"""The number of events, and of the only one its stream and id."""


def subject_of(route: str) -> Subject:
    """Return what lines of a batch say: of one event which it is, of several how many.

    route: the name of the handler.
    """
    return Subject(_essence_of, lambda essence: _fields_of(route, *essence))


def _essence_of(batch: list[SSEEvent]) -> Essence:
    # Not the event: whoever keeps the context would keep its data in memory.
    return len(batch), batch[0].route, batch[0].id


def _fields_of(route: str, events: int, stream: str, event_id: str) -> Fields:
    if events > 1:
        return {"route": route, "events": events}
    return {"route": route, "stream": shown(stream), "event_id": event_id}
