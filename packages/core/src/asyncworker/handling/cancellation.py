"""Cancellations, and who asked for them."""

from __future__ import annotations

import asyncio


def is_cancelled_from_outside(error: BaseException) -> bool:
    """Tell the cancellation of this task from a CancelledError that users' code raised itself."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
