"""The locks that a process strives for by one connection."""

from __future__ import annotations

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

    link: makes one. publisher: returns what publishes to the same vhost. The link is another one,
    as a broker that is short of memory or of disk hears nothing from who publishes.
    """

    def __init__(self, link: Callable[[], Link], publisher: Callable[[], Publisher]) -> None:
        self._new_link = link
        self._publisher = publisher
        self._link: Link | None = None
        self._locks: dict[str, QueueLock] = {}
        self._wanted: dict[str, int] = {}

    @property
    def all(self) -> tuple[QueueLock, ...]:
        """Return all that are wanted now."""
        return tuple(self._locks.values())

    @asynccontextmanager
    async def lock(self, name: str) -> AsyncIterator[QueueLock]:
        """Strive for a lock while the context lasts."""
        if name not in self._locks:
            if self._link is None:
                self._link = self._new_link()
            self._locks[name] = QueueLock(name, self._link, self._is_taken)
            self._locks[name].open()
        self._wanted[name] = self._wanted.get(name, 0) + 1
        try:
            yield self._locks[name]
        finally:
            self._wanted[name] -= 1
            if not self._wanted[name]:
                await self._give_up(name)

    async def _give_up(self, name: str) -> None:
        del self._wanted[name]
        lock = self._locks.pop(name)
        link = self._link
        if not self._locks:
            self._link = None
        try:
            await lock.close()
        finally:
            if link is not None and link is not self._link:
                await link.close()

    async def _is_taken(self, queue: str) -> bool:
        """Publish to the queue: the broker returns what no queue takes, and says no more of it."""
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
