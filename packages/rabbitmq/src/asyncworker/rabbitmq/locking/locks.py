"""The locks that a process strives for by one connection."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.errors import PublishError
from asyncworker.rabbitmq.locking.queue_lock import QueueLock
from asyncworker.rabbitmq.publishing.encoding import encoded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.publishing.publisher import Publisher

ASK_TIMEOUT: Final = 2.0
"""Seconds that the broker has to say whether a queue takes what is published to it."""
TRANSIENT: Final = 1


class Locks:
    """Share a link between locks, and each lock between all who want it, on one event loop.

    A lock is named by its queue.

    link: makes one. publisher: returns what publishes to the same vhost. The link is another one,
    as a broker that is short of memory or of disk hears nothing from who publishes.
    """

    def __init__(self, link: Callable[[], Link], publisher: Callable[[], Publisher]) -> None:
        self._new_link = link
        self._publisher = publisher
        self._link: Link | None = None
        self._locks: dict[str, QueueLock] = {}
        self._wanted: dict[str, int] = {}
        self._users: Counter[Link] = Counter()
        """How many locks use a link, those that are just given up among them."""

    @property
    def all(self) -> tuple[QueueLock, ...]:
        """Return all that are wanted now."""
        return tuple(self._locks.values())

    @asynccontextmanager
    async def lock(self, queue: str) -> AsyncIterator[QueueLock]:
        """Strive for a lock while the context lasts."""
        if queue not in self._locks:
            if self._link is None:
                self._link = self._new_link()
            self._users[self._link] += 1
            self._locks[queue] = QueueLock(queue, self._link, self.is_taken)
            self._locks[queue].open()
        self._wanted[queue] = self._wanted.get(queue, 0) + 1
        try:
            yield self._locks[queue]
        finally:
            self._wanted[queue] -= 1
            if not self._wanted[queue]:
                await self._give_up(queue)

    async def _give_up(self, queue: str) -> None:
        del self._wanted[queue]
        lock = self._locks.pop(queue)
        link = self._link
        if not self._locks:
            self._link = None
        try:
            await lock.close()
        finally:
            if link is not None:
                self._users[link] -= 1
                if not self._users[link]:
                    del self._users[link]
                    await link.close()

    async def is_taken(self, queue: str) -> bool:
        """Tell whether somebody seems to hold a lock, without harm to anything.

        By publishing to its queue: the broker returns what no queue takes, and says no more of it.
        """
        probe = encoded(
            body=b"",
            routing_key=queue,
            exchange="",
            headers=None,
            properties={"delivery_mode": TRANSIENT},
            mandatory=True,
        )
        try:
            await self._publisher().publish(probe, ASK_TIMEOUT)
        except PublishError:
            # It is free, or the broker takes no messages now: who declares it is told.
            return False
        return True
