"""What TestApp offers for routes whose messages are asked for: sources in memory."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from asyncworker.codecs import by_content_type
from asyncworker.errors import ConfigurationError, suggestion
from asyncworker.plural import counted
from asyncworker.testing.journal import watched
from asyncworker.testing.memory_source import MemorySource, Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Mapping, Sequence

    from asyncworker.polling import PolledMessage, PolledRoute
    from asyncworker.testing.journal import Journal


class PolledStand:
    """Hold in memory what the routes of a backend read.

    What is put back comes again when the test lets time pass, by `TestApp.advance()`.

    shared_by: returns of a route what it has in common with those it shares messages with, as a
    group of consumers; others have each message, too.
    """

    def __init__(
        self,
        routes: Sequence[PolledRoute],
        journal: Journal,
        shared_by: Callable[[Any], Hashable],
    ) -> None:
        self.routes: Sequence[PolledRoute] = [
            watched(route, journal, opened=self._opened) for route in routes
        ]
        self.messages: list[PolledMessage[Any]] = []
        """All that was read, in that order, each with its outcome."""
        self._journal = journal
        self._shared_by = shared_by
        self._classes = {name: route.message for route in routes for name in route.routes}
        self._places = {key: Place(self._changed) for route in routes for key in self._keys(route)}
        self._ids = count(1)
        self._came = asyncio.Event()

    async def publish(self, body: Any, name: str, headers: Mapping[str, str] | None = None) -> None:
        """Have a message read by the routes of a name.

        body: bytes, or a value that goes as JSON.
        Raises: ConfigurationError
        """
        if name not in self._classes:
            hint = suggestion(name, self._classes)
            raise ConfigurationError(f"the app reads no {name!r}: {hint}")
        raw_body, content_type = by_content_type.codec.encode(body)
        number = str(next(self._ids))
        for (own, _), place in self._places.items():
            if own == name:
                message = self._classes[name](
                    name=name,
                    id=number,
                    raw_body=raw_body,
                    headers=dict(headers or {}),
                    content_type=content_type,
                )
                place.add([message])

    def busy(self) -> list[str]:
        """Return what is not read or not settled, a line each.

        What waits for a route that is paused waits for more than that.
        """
        lines = []
        for route in self.routes:
            places = {key[0]: self._places[key] for key in self._keys(route)}
            lines += [f"{name!r} is not read" for name, one in places.items() if not one.is_read]
            left = sum(len(one.out) for one in places.values()) - route.delays.count_held()
            if not route.circuit.rests:
                left += sum(len(one.waiting) for one in places.values())
            if left > 0:
                lines.append(f"{counted(left, 'message')} not settled")
        return lines

    def deliver_twice(self) -> None:
        """Have each message come once more when it was acknowledged."""
        for place in self._places.values():
            place.twice = True

    def killed(self) -> None:
        """Have all come again that is not settled, as after the end of a process."""
        for place in self._places.values():
            place.lose()

    async def advance(self, seconds: float) -> None:
        """Let time pass for what was put back, waits for a rate, or is paused.

        seconds: how much.
        """
        for route in self.routes:
            route.circuit.advance(seconds)
            route.delays.advance(seconds)
        for place in self._places.values():
            place.pass_time()

    @asynccontextmanager
    async def _opened(self, route: PolledRoute) -> AsyncIterator[MemorySource]:
        places = {key[0]: self._places[key] for key in self._keys(route)}
        for place in places.values():
            place.is_read = True
        self._changed()
        yield MemorySource(places, self._came, self.messages)

    def _keys(self, route: PolledRoute) -> Iterator[tuple[str, Hashable]]:
        return ((name, self._shared_by(route)) for name in route.routes)

    def _changed(self) -> None:
        self._came.set()
        self._journal.changed()


@asynccontextmanager
async def polled_stand(
    routes: Sequence[PolledRoute],
    journal: Journal,
    shared_by: Callable[[Any], Hashable] = lambda _: None,
) -> AsyncIterator[PolledStand]:
    """Offer sources in memory to routes and a test, as `Testing.testing()` has to.

    shared_by: that of `PolledStand`.
    """
    yield PolledStand(routes, journal, shared_by)
