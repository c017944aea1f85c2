"""Tasks that ignore their cancellation."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from asyncworker.handling.unfinished import places

if TYPE_CHECKING:
    import logging
    from collections.abc import Collection

CANCEL_GRACE: Final = 0.5
"""Seconds that a cancelled call has to end before it is abandoned."""

_abandoned: WeakSet[asyncio.Task[Any]] = WeakSet()


async def abandon_unresponsive(
    cancelled: Collection[asyncio.Task[Any]], grace: float
) -> set[asyncio.Task[Any]]:
    """Wait for tasks that were cancelled, and return those that do not end: they are abandoned.

    grace: seconds.
    """
    if not cancelled:
        return set()
    _, unresponsive = await asyncio.wait(cancelled, timeout=grace)
    if unresponsive:
        # A task may wait for another one, which was cancelled through it and has had as much time.
        _abandoned.update(task for task in asyncio.all_tasks() if task.cancelling())
    return unresponsive


def log_abandoned(log: logging.Logger, what: str) -> None:
    """Log what was abandoned, with where users' code stands in it."""
    log.error("abandoned %s that would not be cancelled", what, extra=stood_at(_abandoned))


def stood_at(tasks: Collection[asyncio.Task[Any]]) -> dict[str, list[str]]:
    """Return what a log line adds on tasks that would not end."""
    return {"stood_at": places(task for task in tasks if not task.done())}


def keep(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Keep tasks from ever being collected, which would call them once more, never to return.

    A coroutine that is closed is given a GeneratorExit; `while True: try: ... except: pass` takes
    that as it takes a cancellation. What the frame of a thread holds outlives even the interpreter.
    """
    if tasks:
        held = list(tasks)
        threading.Thread(target=_hold, args=[held], name="asyncworker-kept", daemon=True).start()


def _hold(_tasks: list[asyncio.Task[Any]]) -> None:
    threading.Event().wait()


def is_abandoned(task: asyncio.Task[Any]) -> bool:
    """Tell whether a task had its time to end: whoever waits for it now waits in vain."""
    return task in _abandoned
