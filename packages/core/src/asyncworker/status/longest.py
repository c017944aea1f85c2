"""The handlers that have been running for the longest time, and where each waits."""

from __future__ import annotations

import heapq
import os
import time
from itertools import dropwhile
from typing import TYPE_CHECKING, Any, Final

from asyncworker.handling.unfinished import frames_of, frames_of_thread, place
from asyncworker.handling.user_errors import is_ours
from asyncworker.threads.pool import Job

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Iterable
    from types import FrameType

    from asyncworker.feed import Activity
    from asyncworker.status.shapes import Running

MOST: Final = 20


def longest(activities: Iterable[Activity]) -> list[Running]:
    """Return what runs, at the most `MOST`, that for the longest time first."""
    running = (
        (began, size, activity, task)
        for activity in activities
        for task, (began, size) in activity.running().items()
    )
    now = time.perf_counter()
    return [
        {
            "process": os.getpid(),
            "kind": activity.kind,
            "route": activity.name,
            "seconds": now - began,
            "size": size,
            "at": _stands(task),
        }
        for began, size, activity, task in heapq.nsmallest(MOST, running, key=lambda one: one[0])
    ]


def _stands(task: Task[Any] | None) -> str | None:
    """Return the user's line at which a task waits, or at which a thread is that it waits for."""
    if task is None:
        return None
    # Before ours come those of a server, in whose task a handler may run.
    frames = list(dropwhile(_is_not_ours, frames_of(task.get_coro())))
    thread = _thread_of(frames)
    return place(frames if thread is None else frames_of_thread(thread))


def _thread_of(frames: list[FrameType]) -> int | None:
    """Return the thread in which a plain function of the user runs that is awaited last."""
    job = frames[-1].f_locals.get("job") if frames else None
    worker = job.worker if isinstance(job, Job) else None
    return worker.thread.ident if worker is not None and worker.thread is not None else None


def _is_not_ours(frame: FrameType) -> bool:
    return not is_ours(frame.f_code.co_filename)
