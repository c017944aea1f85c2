"""One route at work: read its streams, dispatch, drain."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from asyncworker.bucket import Bucket
from asyncworker.dispatch import Dispatcher
from asyncworker.errors import Invalid
from asyncworker.handling.repeated_failures import Failures
from asyncworker.sse.address import shown
from asyncworker.sse.client import Client
from asyncworker.sse.decoder import Decoder
from asyncworker.sse.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import ClientSession

    from asyncworker.sse.event import SSEEvent
    from asyncworker.sse.route import SSERoute

log = logging.getLogger(__name__)

LONGEST_ID: Final = 200
"""The most characters of an event's id in a log line."""


class Consumer:
    """Keep one route reading until it is stopped.

    flush_interval: seconds; a batch goes out when its oldest event is that old.
    """

    def __init__(self, route: SSERoute, session: ClientSession, flush_interval: float) -> None:
        self._route = route
        self._session = session
        self._stopping = asyncio.Event()
        self._failures = Failures(log, f"handler {route.handler_name}")
        self._dispatcher: Dispatcher[SSEEvent] = Dispatcher(
            route.handler, self._settle, route.options.max_concurrency
        )
        self._bucket: Bucket[SSEEvent] = Bucket(
            route.options.bulk_size, flush_interval, self._dispatcher.submit
        )

    def stop(self) -> None:
        """Have `run()` read nothing more, have all it read handled, and return."""
        self._stopping.set()

    async def run(self) -> None:
        """Read until `stop()`, however often the server goes away meanwhile."""
        async with self._dispatcher:
            try:
                await self._read_until_stopped()
                self._bucket.flush()
            finally:
                # Cancelled: nothing may reach the handler any more, when the batch gets old.
                self._bucket.clear()

    async def _read_until_stopped(self) -> None:
        statuses = [Status(subject, self._route.connection.problems) for subject in self._subjects]
        try:
            async with asyncio.TaskGroup() as group:
                reading = [
                    group.create_task(self._client(number, status).run())
                    for number, status in enumerate(statuses)
                ]
                await self._stopping.wait()
                for task in reading:
                    task.cancel()
        finally:
            for status in statuses:
                status.forget()

    def _client(self, number: int, status: Status) -> Client:
        route = self._route
        decoder = Decoder(route.routes[number], route.connection.max_event_size)
        return Client(route.endpoints[number], self._session, decoder, self._take, status)

    async def _take(self, events: list[SSEEvent]) -> None:
        """Put events on their way to the handler, and wait while it has enough to do."""
        for event in self._valid(events):
            self._bucket.add(event)
        await self._dispatcher.room()

    def _valid(self, events: list[SSEEvent]) -> list[SSEEvent]:
        """Return those whose body is what the handler wants, and log the others."""
        body_of = self._route.body_of
        return events if body_of is None else [each for each in events if self._fits(each, body_of)]

    def _fits(self, event: SSEEvent, body_of: Callable[[SSEEvent], Any]) -> bool:
        try:
            event.body = body_of(event)
        except Invalid as error:
            log.error(  # noqa: TRY400 (its words are all there is to say)
                "handler %s: left out an event whose %s",
                self._route.handler_name,
                error,
                extra={"route": shown(event.route), "event_id": event.id[:LONGEST_ID]},
            )
            return False
        return True

    def _settle(self, batch: list[SSEEvent], raised: BaseException | None) -> None:
        if raised is None:
            return
        self._failures.report(
            raised,
            {
                "routes": sorted({shown(event.route) for event in batch}),
                "last_event_id": batch[-1].id[:LONGEST_ID],
                "events": len(batch),
            },
        )

    @property
    def _subjects(self) -> list[str]:
        """Return what logs call the streams: each differently, without their queries."""
        handler = self._route.handler_name
        urls = [shown(endpoint.url) for endpoint in self._route.endpoints]
        return [
            f"handler {handler}, stream {url}" + (f" ({number})" if urls.count(url) > 1 else "")
            for number, url in enumerate(urls, 1)
        ]
