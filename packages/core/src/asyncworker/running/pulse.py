"""Whether an event loop turns, as a thread beside it sees it."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from asyncio.selector_events import BaseSelectorEventLoop
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from asyncworker.feed.blockage import blockage_of
from asyncworker.handling.unfinished import frames_below, frames_of_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
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
WAKING: Final = vars(BaseSelectorEventLoop)["_read_from_self"].__code__
"""What a loop does once a thread has woken it: nothing that could keep it from turning."""
DEBUGGERS: Final = {"_pydevd_bundle", "bdb", "debugpy", "pydevd"}
"""Modules whose functions run while somebody looks at a line."""


@asynccontextmanager
async def watched(feed: Feed, limit: float) -> AsyncIterator[None]:
    """Log what keeps the running loop from turning, and tell the feed, while the context lasts.

    limit: seconds that it may take; 0 for any.
    """
    if not limit:
        yield
        return
    pulse = Pulse(asyncio.get_running_loop(), feed, limit)
    await pulse.meet()
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
        self._asked = self._turned = time.monotonic()
        self._is_answered = False
        self._ticked = _clocks()
        self._lost = self._overrun = 0.0
        self._blockage: Blockage | None = None

    async def meet(self) -> None:
        """Have the loop answer once: so it is known what is below all that it calls."""
        self._loop.call_soon(self._answer)
        await asyncio.sleep(0)

    def take(self) -> None:
        """Ask until the end; in a thread."""
        while not self._ended.is_set():
            self._ask()
            self._wait()
            while not self._is_answered and not self._ended.is_set():
                self._look()
                self._wait()
            self._note()

    def end(self) -> None:
        """Have `take()` return."""
        self._ended.set()

    def _ask(self) -> None:
        if self._overrun < self._limit:
            self._asked, self._lost = time.monotonic(), 0.0
            self._call()
        while self._overrun >= self._limit:
            # Someone computed and let no thread run. The loop goes on once anything else is called.
            self._asked = self._turned
            self._look()
            self._call()

    def _call(self) -> None:
        self._is_answered = False
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:
            # Closed, by a program that does not end what it started.
            self._ended.set()
        self._tick(0.0)

    def _answer(self) -> None:
        """Note when the loop turned, in which thread, and how many frames are below."""
        self._thread = threading.get_ident()
        self._depth = _depth_of(sys._getframe())  # noqa: SLF001 (not to be had otherwise)
        self._turned, self._is_answered = time.monotonic(), True

    def _wait(self) -> None:
        self._ended.wait(self._step)
        self._tick(self._step)

    def _tick(self, expected: float) -> None:
        """Note how much of the time since the last tick was lost to this process.

        expected: seconds that should have passed.
        """
        (began, worked), self._ticked = self._ticked, _clocks()
        passed, computed = self._ticked[0] - began, self._ticked[1] - worked
        # Who computes without letting other threads run keeps this one waiting too.
        ran = max(expected, computed) if self._loop.is_running() else 0.0
        self._lost += max(0.0, passed - ran)
        self._overrun = min(passed, ran) - expected

    def _look(self) -> None:
        silent = time.monotonic() - self._asked - self._lost
        if self._blockage is not None or silent < self._limit:
            return
        called = frames_of_thread(self._thread)[self._depth :]
        if not called or called[0].f_code is WAKING:
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
        # Whoever is blocked may have held what the log needs: none of that is lost.
        self._ticked = _clocks()

    def _note(self) -> None:
        """Tell how long the loop took to answer, and of what blocked it that it is over."""
        turned = self._turned if self._is_answered else time.monotonic()
        self._feed.loop_lag = lag = max(0.0, turned - self._asked - self._lost)
        if self._blockage is None:
            return
        over = self._blockage._replace(seconds=max(lag, self._blockage.seconds))
        self._blockage = self._feed.blocked = None
        self._feed.last_blocked = over
        self._feed.blocked_seconds += over.seconds
        log.warning("the event loop was blocked %s, for %.1f s", over, over.seconds)


def _depth_of(callback: FrameType) -> int:
    """Return how many frames are below whatever a loop calls, by the frame of a callback."""
    below = frames_below(callback)
    # What other threads have called has two of asyncio since Python 3.14, and all else one.
    while below and all(one.f_code.co_filename == asyncio.events.__file__ for one in below[-2:]):
        below.pop()
    return len(below)


def _clocks() -> tuple[float, float]:
    """Return the time, and how much of it this process has computed."""
    return time.monotonic(), time.process_time()


def _is_debugged(frames: list[FrameType]) -> bool:
    modules = (str(frame.f_globals.get("__name__")) for frame in frames)
    return any(name.partition(".")[0] in DEBUGGERS for name in modules)
