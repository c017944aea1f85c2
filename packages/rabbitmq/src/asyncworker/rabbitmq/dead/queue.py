"""DeadQueue: a queue of dead letters, to look at, to replay and to drop."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq.checks import checked_name, is_number
from asyncworker.rabbitmq.connecting.link import Link
from asyncworker.rabbitmq.connecting.probe import Probe
from asyncworker.rabbitmq.connection import AMQPConnection
from asyncworker.rabbitmq.dead.copies import replayed
from asyncworker.rabbitmq.dead.groups import Groups, Summary, earlier
from asyncworker.rabbitmq.dead.scan import Depth, Scan, depth_of
from asyncworker.rabbitmq.dead.selection import Selection
from asyncworker.rabbitmq.dead.sweep import STAYS, Fate, Progress, Sweep, keeps_from
from asyncworker.rabbitmq.errors import BrokerError
from asyncworker.rabbitmq.publishing.publisher import Publisher
from asyncworker.rabbitmq.topology import MAX_QUEUE, Queue

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from asyncworker.rabbitmq.dead.letter import DeadLetter

    Telling = Callable[[Progress], None] | None


class DeadQueue:
    """Look at the dead letters of a queue, replay them, drop them; over AMQP alone.

    Each method looks at what is in the queue as it begins, once. What it does not move stays where
    it is; meanwhile no other consumer sees it. Whatever ends it, nothing is lost; a connection that
    is lost may leave a copy of what was being moved.

    connection: where the queue is. queue: its name, or the Queue that declares it.
    vhost: that of the connection when left out.
    sources: the queues that dead-letter to it, where `dead_queues()` knows of them.
    Raises: ConfigurationError
    """

    def __init__(
        self,
        connection: AMQPConnection,
        queue: str | Queue,
        *,
        vhost: str | None = None,
        sources: tuple[str, ...] = (),
    ) -> None:
        if not isinstance(connection, AMQPConnection):
            raise ConfigurationError(f"DeadQueue needs an AMQPConnection, got {connection!r}")
        self.connection: AMQPConnection = connection
        self.vhost: str = connection.checked_vhost(vhost)
        self.name: str = queue.name if isinstance(queue, Queue) else queue
        self.sources: tuple[str, ...] = sources
        checked_name("queue", self.name, MAX_QUEUE, is_ours=False)
        self._kept_from = keeps_from(queue if isinstance(queue, Queue) else None)

    async def summary(self) -> Summary:
        """Count the dead letters, by their errors and reasons.

        Raises: BrokerError
        """
        groups = Groups()
        oldest: datetime | None = None
        consumers = 0

        def decide(letter: DeadLetter, _: datetime) -> Fate:
            nonlocal oldest
            groups.add(letter)
            oldest = earlier(oldest, letter.failed_at)
            return STAYS

        def note(depth: Depth) -> None:
            nonlocal consumers
            consumers = depth.consumers

        async with self._sweep(Selection(), on_depth=note) as sweep:
            seen = (await sweep.run(decide)).seen
        found = groups.largest_first()
        return Summary(self.name, self.vhost, seen, consumers, oldest, found)

    async def show(
        self, limit: int = 10, *, error: str | None = None, older: float | None = None
    ) -> list[DeadLetter]:
        """Return the first dead letters that match.

        limit: how many, the most. error: a pattern of their error, as `OSError*`, case and all.
        older: seconds since their end, the fewest.
        Raises: BrokerError, ConfigurationError
        """
        selection = Selection(error, older, limit)
        shown: list[DeadLetter] = []

        def decide(letter: DeadLetter, now: datetime) -> Fate:
            if not selection.takes(letter, now):
                return STAYS
            shown.append(letter)
            return Fate(is_chosen=True)

        async with self._sweep(selection) as sweep:
            await sweep.run(decide, limit)
        return shown

    async def replay(
        self,
        to: str | None = None,
        *,
        error: str | None = None,
        older: float | None = None,
        limit: int | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        on_progress: Telling = None,
    ) -> Progress:
        """Put dead letters back to where they were consumed, as a first attempt.

        Each is confirmed there before it leaves. Cancelled, it ends what it has begun; what was
        moved until then, `on_progress` has been told.

        to: a queue to send them to instead. error, older: as `show()` has them.
        limit: how many, the most. rate: messages a second, the most.
        dry_run: whether they are only counted. on_progress: is called time and again.
        Raises: BrokerError, ConfigurationError
        """
        selection = Selection(error, older, limit)
        if to is not None:
            checked_name("to: queue", to, MAX_QUEUE, is_ours=False)
            self._check_other(to)

        def decide(letter: DeadLetter, now: datetime) -> Fate:
            if not selection.takes(letter, now):
                return STAYS
            return self._replaying(letter, to, leaves=not dry_run)

        async with self._sweep(selection, rate, on_progress, to=to) as sweep:
            return await sweep.run(decide, limit)

    async def drop(
        self,
        *,
        error: str | None = None,
        older: float | None = None,
        limit: int | None = None,
        rate: float | None = None,
        dry_run: bool = False,
        on_progress: Telling = None,
    ) -> Progress:
        """Remove dead letters for good.

        error, older, limit, rate, dry_run, on_progress: as `replay()` has them.
        Raises: BrokerError, ConfigurationError
        """
        selection = Selection(error, older, limit)

        def decide(letter: DeadLetter, now: datetime) -> Fate:
            if not selection.takes(letter, now):
                return STAYS
            return Fate(is_chosen=True, leaves=not dry_run)

        async with self._sweep(selection, rate, on_progress) as sweep:
            return await sweep.run(decide, limit)

    def _replaying(self, letter: DeadLetter, to: str | None, *, leaves: bool) -> Fate:
        queue = to or letter.queue
        if queue is None:
            return Fate(is_chosen=True, problem="nothing tells where it was consumed: say where to")
        if queue == self.name:
            return Fate(is_chosen=True, problem="it died in this very queue: say where to")
        try:
            copy = replayed(letter, queue)
        except (ValueError, IndexError):
            return Fate(is_chosen=True, problem="its headers cannot be read")
        return Fate(is_chosen=True, leaves=leaves, copy=copy)

    def _check_other(self, to: str) -> None:
        if to == self.name:
            raise ConfigurationError(f"to: {to!r} is the queue that they are in")

    @asynccontextmanager
    async def _sweep(
        self,
        selection: Selection,
        rate: float | None = None,
        on_progress: Telling = None,
        *,
        to: str | None = None,
        on_depth: Callable[[Depth], Any] = lambda _: None,
    ) -> AsyncIterator[Sweep]:
        """Offer a sweep over what is in the queue now.

        Raises: BrokerError, ConfigurationError
        """
        if rate is not None and not (is_number(rate) and rate > 0):
            reason = f"must be a number of messages a second above 0, got {rate!r}"
            raise ConfigurationError(f"rate {reason}")
        link = Link(self.connection.broker, self.vhost)
        publisher = Publisher(Link(self.connection.broker, self.vhost))
        try:
            await link.connect()
            depth = await self._depth(link, self.name)
            if to is not None:
                await self._depth(link, to)
            on_depth(depth)
            scan = Scan(link, self.name, _count(selection, depth), _width(rate))
            make = partial(Sweep, scan, publisher, self.name, found=depth.messages)
            async with scan:
                try:
                    yield make(kept_from=self._kept_from, rate=rate, on_progress=on_progress)
                except BrokerError as error:
                    raise BrokerError(f"{self._subject(self.name)}: {error}") from error
        finally:
            await publisher.close()
            await link.close()

    async def _depth(self, link: Link, queue: str) -> Depth:
        try:
            found = await depth_of(Probe(link), queue)
        except BrokerError as error:
            raise BrokerError(f"{self._subject(queue)}: {error}") from error
        if found is None:
            raise BrokerError(f"{self._subject(queue)}: it does not exist")
        return found

    def _subject(self, queue: str) -> str:
        return f"queue {queue!r}, vhost {self.vhost!r}"

    def __repr__(self) -> str:
        return f"DeadQueue({self.name!r}, vhost={self.vhost!r})"


def _count(selection: Selection, depth: Depth) -> int:
    """Return how many messages are to be read, the most: what is read in vain may lose its place.

    On RabbitMQ 4.0 that counts against it, too.
    """
    limit = selection.limit if selection.is_all else None
    return depth.messages if limit is None else min(limit, depth.messages)


def _width(rate: float | None) -> int | None:
    """Return how many may be on their way: the broker wants each settled within a time."""
    return None if rate is None else max(1, int(rate * 60))
