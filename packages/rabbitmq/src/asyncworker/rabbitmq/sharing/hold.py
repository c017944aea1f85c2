"""A hold: a lock that is taken if it is free, and kept until it is lost or given up."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Final, Self

from asyncworker.once import UNDECIDED
from asyncworker.rabbitmq.errors import BrokerError

if TYPE_CHECKING:
    from asyncworker.rabbitmq.locking.locks import Locks
    from asyncworker.rabbitmq.locking.queue_lock import QueueLock

DECIDE_TIMEOUT: Final = 5.0
"""Seconds that the broker has to say whose a lock is."""


class Hold:
    """Have a lock for as long as this process wants it and the broker is sure of it.

    number: which of several it is. stack: owns the lock.
    """

    def __init__(self, number: int, lock: QueueLock, stack: AsyncExitStack) -> None:
        self.number = number
        self.is_wanted = True
        self._lock = lock
        self._stack = stack
        self._unwanted = asyncio.Event()

    @classmethod
    async def taken(cls, number: int, locks: Locks, queue: str) -> Self | None:
        """Take a lock, or return None when another process has it.

        Raises: BrokerError, when nobody can say who has it
        """
        if await locks.is_taken(queue):
            return None
        async with AsyncExitStack() as stack:
            lock = await stack.enter_async_context(locks.lock(queue))
            with suppress(TimeoutError):
                async with asyncio.timeout(DECIDE_TIMEOUT):
                    while not lock.held and lock.problem == UNDECIDED:
                        await lock.turned.wait()
            if lock.held:
                return cls(number, lock, stack.pop_all())
            if lock.problem is not None:
                raise BrokerError(f"lock {queue!r}: {lock.problem}")
        return None

    @property
    def is_kept(self) -> bool:
        """Tell whether it is wanted, and was not lost."""
        return self.is_wanted and self._lock.held

    def give_up(self) -> None:
        """Want it no more; what it was needed for may take its time to end."""
        self.is_wanted = False
        self._unwanted.set()

    async def ended(self) -> bool:
        """Wait until it is lost, or wanted no more; return whether it is lost."""
        while self.is_kept:
            ends = [
                asyncio.ensure_future(event.wait()) for event in (self._lock.turned, self._unwanted)
            ]
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for end in ends:
                    end.cancel()
                await asyncio.wait(ends)
        is_lost = self.is_wanted
        self.give_up()
        return is_lost

    async def release(self) -> None:
        """Leave the lock to others."""
        await self._stack.aclose()
