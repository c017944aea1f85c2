"""Whether an event loop turns, as a thread beside it sees it."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from asyncworker.feed.blockage import blockage_of
from asyncworker.handling.unfinished import frames_below, frames_of_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from asyncworker.feed import Blockage, Feed

log = logging.getLogger(__name__)

LOOKS: Final = 4
"""How often the thread looks within the limit."""
SHORTEST: Final = 0.02
LONGEST: Final = 0.5
"""Seconds between two looks, whatever the limit is."""
LOG_TIMEOUT: Final = 2.0
"""Seconds that the log has for a line, when the run ends."""
DEBUGGERS: Final = {"_pydevd_bundle", "bdb", "debugpy", "pydevd"}
"""Modules whose functions run while somebody looks at a line."""


@contextmanager
def watched(feed: Feed, limit: float) -> Iterator[None]:
    """Log what keeps the running loop from turning, and tell the feed, while the context lasts.

    limit: seconds that it may take; 0 for any.
    """
    if not limit:
        yield
        return
    pulse = Pulse(asyncio.get_running_loop(), feed, limit)
    # One that logs waits for locks which whoever is blocked may hold: nobody waits for it for ever.
    thread = threading.Thread(target=pulse.take, name="asyncworker-pulse", daemon=True)
    thread.start()
    try:
        yield
    finally:
        pulse.end()
        thread.join(LOG_TIMEOUT)


class Pulse:
    """Ask a loop for an answer again and again, and look at what it does when none comes.

    What counts is the time in which both could run: neither that of a process that was stopped or
    suspended, nor that of a loop between two runs, nor what somebody spends in a debugger.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, feed: Feed, limit: float) -> None:
        self._loop = loop
        self._feed = feed
        self._limit = limit
        self._step = min(max(limit / LOOKS, SHORTEST), LONGEST)
        self._ended = threading.Event()
        self._thread = threading.get_ident()
        self._depth = 0
        self._asked = 0.0
        self._answered: float | None = None
        self._lost = 0.0
        self._blockage: Blockage | None = None

    def take(self) -> None:
        """Ask until the end; in a thread."""
        while not self._ended.is_set() and self._ask():
            self._wait()
            while self._answered is None and not self._ended.is_set():
                self._look()
                self._wait()
            self._note()

    def end(self) -> None:
        """Have `take()` return."""
        self._ended.set()

    def _ask(self) -> bool:
        self._answered, self._lost = None, 0.0
        self._asked = time.monotonic()
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:
            # Closed, by a program that does not end what it started.
            return False
        return True

    def _answer(self) -> None:
        """Note when the loop turned, and what is below whatever it calls."""
        self._thread = threading.get_ident()
        self._depth = len(frames_below(sys._getframe()))  # noqa: SLF001 (not to be had otherwise)
        self._answered = time.monotonic()

    def _wait(self) -> None:
        """Let a step pass, and note how much of the time was lost to this process."""
        began, worked = time.monotonic(), time.process_time()
        self._ended.wait(self._step)
        passed = time.monotonic() - began
        # Who computes without letting other threads run keeps this one waiting too.
        ran = max(self._step, time.process_time() - worked) if self._loop.is_running() else 0.0
        self._lost += max(0.0, passed - ran)

    def _look(self) -> None:
        silent = time.monotonic() - self._asked - self._lost
        if self._blockage is not None or silent < self._limit:
            return
        called = frames_of_thread(self._thread)[self._depth :]
        if self._answered is not None or not called:
            # It turns, or it would if the machine let it.
            return
        if _is_debugged(called):
            self._lost += silent
            return
        handlers = {activity.name for activity in self._feed.activities}
        self._blockage = self._feed.blocked = blockage_of(called, handlers, silent)
        extra = {"stack": self._blockage.stack}
        log.warning(
            "the event loop is blocked %s, for %.1f s so far", self._blockage, silent, extra=extra
        )

    def _note(self) -> None:
        """Tell how long the loop took to answer, and of what blocked it that it is over."""
        answered = time.monotonic() if self._answered is None else self._answered
        self._feed.loop_lag = lag = max(0.0, answered - self._asked - self._lost)
        if self._blockage is None:
            return
        over = self._blockage._replace(seconds=max(lag, self._blockage.seconds))
        self._blockage = self._feed.blocked = None
        self._feed.last_blocked = over
        self._feed.blocked_seconds += over.seconds
        log.warning("the event loop was blocked %s, for %.1f s", over, over.seconds)


def _is_debugged(frames: list[FrameType]) -> bool:
    modules = (str(frame.f_globals.get("__name__")) for frame in frames)
    return any(name.partition(".")[0] in DEBUGGERS for name in modules)
