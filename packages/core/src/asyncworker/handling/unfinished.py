"""Where users' code stands that is not done."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asyncworker.handling.user_errors import is_ours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

PYTHON: Final = Path(asyncio.__file__).parents[1]
INSTALLED: Final = {"site-packages", "dist-packages"}


def places(tasks: Iterable[asyncio.Task[Any]]) -> list[str]:
    """Return where tasks stand, those in users' code, each place once."""
    found = (place(list(frames_of(task.get_coro()))) for task in tasks)
    return sorted({one for one in found if one is not None})


def place(frames: list[FrameType]) -> str | None:
    """Return where the user's function stands that we called last, None when there is none.

    frames: the innermost last.
    """
    theirs = users_frames(frames)
    return shown(theirs[0]) if theirs else None


def users_frames(frames: list[FrameType]) -> list[FrameType]:
    """Return the frames from the user's function on that we called last, the innermost last."""
    while frames and is_ours(_file(frames[-1])):
        frames = frames[:-1]
    first = len(frames)
    for number, frame in reversed(list(enumerate(frames))):
        if is_ours(_file(frame)):
            break
        if not _is_of_python(_file(frame)):
            first = number
    return frames[first:]


def shown(frame: FrameType) -> str:
    """Return where a frame stands."""
    return f"{_file(frame)}:{frame.f_lineno} in {frame.f_code.co_name}"


def frames_of_thread(thread: int) -> list[FrameType]:
    """Return the frames of a thread that runs, the innermost last."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 (the only way to see another thread)
    return [] if frame is None else [*frames_below(frame), frame]


def frames_below(frame: FrameType) -> list[FrameType]:
    """Return the frames of those that called a function, the innermost last."""
    frames: list[FrameType] = []
    caller = frame.f_back
    while caller is not None:
        frames.append(caller)
        caller = caller.f_back
    return frames[::-1]


def frames_of(awaited: Any) -> Iterator[FrameType]:
    """Yield the frames of a coroutine that waits, the innermost last."""
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        inner = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
        if frame is not None:
            yield frame
            # `stepped()` awaits by hand.
            inner = inner or (frame.f_locals.get("call") if is_ours(_file(frame)) else None)
        awaited = inner


def _is_of_python(file: str) -> bool:
    """Tell whether a file is of the standard library, whose frames say little."""
    path = Path(file)
    return path.is_relative_to(PYTHON) and INSTALLED.isdisjoint(path.parts)


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename
