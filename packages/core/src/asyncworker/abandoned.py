"""Tasks that ignore their cancellation."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Collection

_abandoned: WeakSet[asyncio.Task[Any]] = WeakSet()


async def abandon_deaf(
    cancelled: Collection[asyncio.Task[Any]], grace: float
) -> set[asyncio.Task[Any]]:
    """Wait for tasks that were cancelled, and return those that do not end: they are abandoned.

    grace: seconds.
    """
    if not cancelled:
        return set()
    _, deaf = await asyncio.wait(cancelled, timeout=grace)
    if deaf:
        # A task may wait for another one, which was cancelled through it and has had as much time.
        _abandoned.update(task for task in asyncio.all_tasks() if task.cancelling())
    return deaf


def is_abandoned(task: asyncio.Task[Any]) -> bool:
    """Tell whether a task had its time to end: whoever waits for it now waits in vain."""
    return task in _abandoned
