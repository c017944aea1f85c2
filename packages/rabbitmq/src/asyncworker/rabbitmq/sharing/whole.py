"""What a route consumes that shares its queues with others by leaving all to the broker."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence
    from contextlib import AbstractAsyncContextManager


class Sharing(Protocol):
    """Tell which queues of a route this process consumes, in a run.

    counted: the queues whose consumers are the processes that have the route.
    """

    counted: Sequence[str]

    @property
    def queues(self) -> Collection[str]:
        """Return those that it consumes now."""
        ...

    async def holding(self, queue: str) -> None:
        """Wait until it may consume a queue."""
        ...

    def stop(self) -> None:
        """Take nothing more."""
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Take a part of the queues; as it is left, what was taken has been given up."""
        ...


class Whole:
    """Have a route consume all of its queues, all the time."""

    def __init__(self, queues: Sequence[str]) -> None:
        self.counted: Sequence[str] = queues
        self.queues = queues

    async def holding(self, queue: str) -> None:
        """Wait for nothing."""

    def stop(self) -> None:
        """Leave all to whoever stops."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have nothing to take."""
        yield
