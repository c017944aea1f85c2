"""EventPlace: where a route is in its stream, kept over restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.cursors.keeper import Keeper
from asyncworker.cursors.progress import Progress
from asyncworker.sse.headers import can_be_sent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractAsyncContextManager

    from asyncworker.cursors.cursor import Cursor, Place
    from asyncworker.sse.event import SSEEvent


class EventPlace:
    """Know the id up to which all events are handled, and have a cursor keep it.

    subject: what problems and logs name. problems: what keeps routes from working now.
    """

    def __init__(self, cursor: Cursor, subject: str, problems: dict[str, str]) -> None:
        self._progress: Progress[SSEEvent, str] = Progress("")
        self._keeper: Keeper[str] = Keeper(cursor, _checked, subject, problems)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Have the place kept, as long as the context lasts."""
        return self._keeper.running()

    async def load(self) -> str:
        """Return the id behind which to go on, as soon as it can be told; "" for none."""
        return await self._keeper.load() or ""

    def came(self, events: Iterable[SSEEvent]) -> None:
        """Note events that are to be handled."""
        for event in events:
            # Behind one whose id no request can say, the one before it counts.
            place = event.id if can_be_sent(event.id) else self._progress.latest
            self._progress.came(event, place)

    def handled(self, events: Iterable[SSEEvent]) -> None:
        """Note events that were handled, or are left out."""
        for event in events:
            self._progress.handled(event)
        if self._progress.place:
            self._keeper.reached(self._progress.place)


def _checked(place: Place) -> str:
    if not isinstance(place, str) or not can_be_sent(place):
        raise ValueError(f"the cursor holds {place!r}, which is no id that a request can say")
    return place
