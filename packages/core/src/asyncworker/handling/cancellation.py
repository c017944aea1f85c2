"""Cancellations, and who asked for them."""

from __future__ import annotations

import asyncio


def is_cancelled_from_outside(error: BaseException) -> bool:
    """Tell the cancellation of this task from a CancelledError that users' code raised itself."""
    return isinstance(error, asyncio.CancelledError) and is_cancelled()


def is_cancelled() -> bool:
    """Tell whether this task is to end, also when a library kept that to itself.

    `asyncio.wait_for()` of Python 3.11 does, if what it waits for ends at the same moment.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
