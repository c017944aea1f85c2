"""What keeps an event loop from turning."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from asyncworker.handling.unfinished import shown, users_frames

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import FrameType

DEEPEST: Final = 20
"""Frames of a stack that are told, the innermost."""
METHOD: Final = ".__call__"
"""How the name of what runs ends where a handler is an object."""


class Blockage(NamedTuple):
    """Say what blocks an event loop, or did.

    handler: its name, None for what runs outside of all. place: where the user's function stands
    that was called last, as "orders.py:12 in store". stack: from there inwards, the innermost last.
    since: seconds since 1970. seconds: how long it took; as it was noticed, while it lasts.
    """

    handler: str | None
    place: str
    stack: tuple[str, ...]
    since: float
    seconds: float

    def __str__(self) -> str:
        by = "" if self.handler is None else f"by handler {self.handler} "
        return f"{by}at {self.place}"


def blockage_of(frames: list[FrameType], handlers: Collection[str], seconds: float) -> Blockage:
    """Return what blocks a loop by the frames that it called, the innermost last.

    handlers: the names of all.
    """
    theirs = users_frames(frames) or frames[-1:]
    names = (frame.f_code.co_qualname.removesuffix(METHOD) for frame in theirs)
    return Blockage(
        handler=next((name for name in names if name in handlers), None),
        place=shown(theirs[0]),
        stack=tuple(shown(frame) for frame in theirs[-DEEPEST:]),
        since=time.time() - seconds,
        seconds=seconds,
    )
