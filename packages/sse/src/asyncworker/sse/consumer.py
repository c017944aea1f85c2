"""One route at work: read its streams, dispatch, drain."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, cast

from asyncworker.dispatch import Dispatcher
from asyncworker.errors import Invalid
from asyncworker.feed import DONE
from asyncworker.handling.cancellation import is_cancelled_from_outside
from asyncworker.handling.repeated_failures import Failures
from asyncworker.intake.intake import Intake, Items
from asyncworker.once.standing import Standing
from asyncworker.sse.address import shown
from asyncworker.sse.client import Client
from asyncworker.sse.decoder import Decoder
from asyncworker.sse.event_place import EventPlace
from asyncworker.sse.kept import Kept
from asyncworker.sse.log_subject import subject_of
from asyncworker.sse.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from aiohttp import ClientSession

    from asyncworker.feed import Feed
    from asyncworker.intake.rate import Key
    from asyncworker.once.claim import Claim
    from asyncworker.once.lock import Lock
    from asyncworker.once.standing import Turn
    from asyncworker.sse.endpoint import Endpoint
    from asyncworker.sse.event import SSEEvent
    from asyncworker.sse.route import SSERoute

log = logging.getLogger(__name__)

MOST_WAITING: Final = 1000
"""Events that wait for their batch, their turn or their time, before no more are read."""
LONGEST_ID: Final = 200
"""The most characters of an event's id in a log line."""


class Consumer:
    """Keep one route reading until it is stopped.

    flush_interval: seconds; a batch goes out when its oldest event is that old.
    """

    def __init__(
        self, route: SSERoute, session: ClientSession, flush_interval: float, feed: Feed
    ) -> None:
        self._route = route
        self._streams = dict(zip(route.routes, _told_apart(route.endpoints), strict=True))
        self._activity = feed.activity("sse", route.handler_name, self._streams.values())
        self._activity.waiting = self._waiting
        self._session = session
        self._stopping = asyncio.Event()
        self._is_draining = False
        self._statuses: list[Status] = []
        self._clients: dict[int, Client] = {}
        """Who read each stream last."""
        self._failures = Failures(log, f"handler {route.handler_name}")
        self._dispatcher: Dispatcher[SSEEvent] = Dispatcher(
            route.handler,
            self._settle,
            route.options.max_concurrency,
            self._activity,
            subject_of(route.handler_name),
        )
        self._intake: Intake[SSEEvent] = Intake(
            self._dispatcher,
            route.options,
            Items(_key_of, _bytes_of, _number_of, self._leave_out),
            route.delays,
            route.handler_name,
            flush_interval,
            max(MOST_WAITING, route.options.bulk_size),
        )
        self._kept = Kept(route.circuit, self._intake)
        self._place: EventPlace | None = None
        if route.cursor is not None:
            [stream] = self._streams.values()
            subject = f"handler {route.handler_name}, stream {stream}"
            self._place = EventPlace(route.cursor, subject, route.connection.problems)

    def stop(self) -> None:
        """Have `run()` read nothing more, have all it read handled, and return."""
        self._stopping.set()

    async def run(self) -> None:
        """Read until `stop()`, however often the server goes away meanwhile."""
        claim = self._route.claim
        locked = nullcontext() if claim is None else claim.lock()
        keeping = nullcontext() if self._place is None else self._place.running()
        # The lock is given up when all that was read is handled, and the place is kept.
        async with locked as lock, keeping, self._activity, self._dispatcher:
            try:
                await self._read_until_stopped(lock)
                self._is_draining = True
                self._activity.drains()
                if self._place is None:
                    # Else what is kept comes again: what it would meet now is known.
                    self._kept.release()
                await self._intake.drain()
            except BaseException:
                # Cancelled: nothing may reach the handler any more, when the batch gets old.
                self._intake.withdraw()
                raise

    async def _read_until_stopped(self, lock: Lock | None) -> None:
        problems = self._route.connection.problems
        self._statuses = [
            Status(f"handler {self._route.handler_name}", stream, problems, self._activity)
            for stream in self._streams.values()
        ]
        circuit = self._route.circuit
        circuit.begin(self._on_pause)
        try:
            async with asyncio.TaskGroup() as group:
                claim = self._route.claim
                reading = group.create_task(
                    self._read() if lock is None or claim is None else self._read_once(lock, claim)
                )
                following = group.create_task(self._follow())
                await self._stopping.wait()
                for task in (reading, following):
                    task.cancel()
        finally:
            circuit.end()
            for status in self._statuses:
                status.forget()

    async def _read_once(self, lock: Lock, claim: Claim) -> None:
        """Read while the lock is held."""
        standing = Standing(lock, claim, f"handler {self._route.handler_name}")
        async with asyncio.TaskGroup() as group:
            reading: asyncio.Task[None] | None = None

            def show(turn: Turn) -> None:
                nonlocal reading
                if reading is not None:
                    reading.cancel()
                for status in self._statuses:
                    status.turns(turn)
                if turn.held:
                    reading = group.create_task(self._read(reading))

            await standing.follow(show)

    def _on_pause(self) -> None:
        """Hand out nothing more, say why, and until when."""
        self._kept.withdraw()
        circuit = self._route.circuit
        problem = f"paused {circuit.duration}: {circuit.reason}"
        log.warning("handler %s: %s", self._route.handler_name, problem)
        for status in self._statuses:
            status.paused(problem)

    async def _follow(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._kept.follow())
            group.create_task(self._tell_turns())

    async def _tell_turns(self) -> None:
        """Say when a pause is over."""
        circuit = self._route.circuit
        while True:
            turned = circuit.turned
            if circuit.state == "trying":
                name, reason = self._route.handler_name, circuit.reason
                log.info("handler %s: tries one event: %s", name, reason)
            if circuit.state != "paused":
                for status in self._statuses:
                    status.resumed()
            await turned.wait()

    async def _read(self, before: asyncio.Task[None] | None = None) -> None:
        """Read all streams, once those who read them before have ended."""
        if before is not None:
            await asyncio.wait([before])
        async with asyncio.TaskGroup() as group:
            for number, status in enumerate(self._statuses):
                if not status.is_over:
                    group.create_task(self._read_one(number, status))

    async def _read_one(self, number: int, status: Status) -> None:
        """Read a stream, from the place that is kept, or behind what was read of it here last."""
        client = self._clients.get(number)
        if client is None or self._place is not None:
            resume_after = "" if self._place is None else await self._place.load()
            client = self._clients[number] = self._client(number, status, resume_after)
        await client.run()

    def _client(self, number: int, status: Status, resume_after: str) -> Client:
        route = self._route
        decoder = Decoder(route.routes[number], route.connection.max_event_size)
        endpoint = route.endpoints[number]
        return Client(endpoint, self._session, decoder, self._take, status, resume_after)

    async def _take(self, events: list[SSEEvent]) -> None:
        """Put events on their way to the handler, and wait while it has enough to do."""
        if self._place is not None:
            self._place.came(events)
        self._kept.take(self._valid(events))
        await self._kept.room(MOST_WAITING)
        await self._intake.room()

    def _valid(self, events: list[SSEEvent]) -> list[SSEEvent]:
        """Return those whose body is what the handler wants, and log the others."""
        body_of = self._route.body_of
        return events if body_of is None else [each for each in events if self._fits(each, body_of)]

    def _fits(self, event: SSEEvent, body_of: Callable[[SSEEvent], Any]) -> bool:
        try:
            event.body = body_of(event)
        except Invalid as error:
            self._leave_out(event, error)
            return False
        return True

    def _leave_out(self, event: SSEEvent, error: Invalid) -> None:
        if self._place is not None:
            self._place.handled([event])
        log.error(
            "handler %s: left out an event whose %s",
            self._route.handler_name,
            error,
            extra={"stream": shown(event.route), "event_id": event.id[:LONGEST_ID]},
        )

    def _settle(self, batch: list[SSEEvent], raised: BaseException | None) -> bool:
        circuit = self._route.circuit
        if raised is not None and self._goes_back(batch, raised):
            return True
        if self._place is not None and (raised is None or not is_cancelled_from_outside(raised)):
            # Nobody handles it again, however its handler has ended.
            self._place.handled(batch)
        if raised is not None:
            self._report(batch, raised)
        else:
            if circuit.counts:
                circuit.succeeded()
            if not self._activity.counts:
                return False
        outcome = DONE if raised is None else "failed"
        for path, number in Counter(event.route for event in batch).items():
            self._activity.count(self._streams[path], outcome, number)
        return True

    def _goes_back(self, batch: list[SSEEvent], raised: BaseException) -> bool:
        """Keep a batch that met what has the route pause, and tell whether it did."""
        circuit = self._route.circuit
        before = circuit.state
        if self._is_draining:
            return False
        if not isinstance(raised, Exception):
            # Of what was cancelled by itself nobody knows whether it would fail again.
            circuit.succeeded()
            return False
        if not circuit.failed(raised):
            return False
        self._kept.take_back(batch)
        if before != "paused":
            self._report(batch, raised)
        return True

    def _report(self, batch: list[SSEEvent], raised: BaseException) -> None:
        self._failures.report(
            raised,
            {
                "streams": sorted({shown(event.route) for event in batch}),
                "last_event_id": batch[-1].id[:LONGEST_ID],
                "events": len(batch),
            },
        )

    def _waiting(self) -> int:
        return self._dispatcher.waiting() + len(self._intake) + len(self._kept)


def _number_of(_event: SSEEvent) -> int:
    # No event is handled once more amid others.
    return 0


def _key_of(key: Key) -> Callable[[SSEEvent], Hashable]:
    # Of events it is no name of a header.
    return cast("Callable[[SSEEvent], Hashable]", key)


def _bytes_of(event: SSEEvent) -> int:
    return len(event.data.encode())


def _told_apart(endpoints: Sequence[Endpoint]) -> list[str]:
    """Return what logs call the streams: each differently, without their queries."""
    urls = [shown(endpoint.url) for endpoint in endpoints]
    return [
        url + (f" ({number})" if urls.count(url) > 1 else "") for number, url in enumerate(urls, 1)
    ]
