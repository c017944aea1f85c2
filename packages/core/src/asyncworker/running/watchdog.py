"""The end of a process whose run does not come to one."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from asyncworker.handling.unfinished import frames_of, frames_of_thread, place

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

GRACE: Final = 3.0
"""Seconds beyond what a stage of the end may take, before the process is ended from outside."""
LOG_TIMEOUT: Final = 2.0
"""Seconds that the log has for the line which says so."""


class Watchdog:
    """End this process when a stage of its end lasts too long, as nothing on its loop could.

    A handler that blocks the loop, or a hook that ignores its cancellation, would last for ever.
    """

    def __init__(self) -> None:
        # All that a signal handler, which may interrupt anything, can use.
        self._limits: SimpleQueue[float | None] = SimpleQueue()
        self._thread = threading.get_ident()
        self._awaited: tuple[str, Any] = ("a backend", None)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch this thread; not one beside the main one, whose process is the program's own."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._thread = threading.get_ident()
        watcher = threading.Thread(target=self._watch, name="asyncworker-watchdog", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            self._limits.put(None)
            watcher.join()

    def allow(self, seconds: float) -> None:
        """Have the next stage end within so many seconds, whatever was allowed before."""
        self._limits.put(time.monotonic() + seconds + GRACE)

    @contextmanager
    def awaiting(self, subject: str, awaited: Any) -> Iterator[None]:
        """Know what is awaited meanwhile, to name it if it does not end."""
        before, self._awaited = self._awaited, (subject, awaited)
        try:
            yield
        finally:
            self._awaited = before

    def _watch(self) -> None:
        limit = self._limits.get()
        while limit is not None:
            try:
                limit = self._limits.get(timeout=max(0.0, limit - time.monotonic()))
            except Empty:
                self._end()

    def _end(self) -> None:
        # Whatever is stuck may hold what the log needs.
        logging_thread = threading.Thread(target=self._log_reason, daemon=True)
        logging_thread.start()
        logging_thread.join(LOG_TIMEOUT)
        os._exit(1)

    def _log_reason(self) -> None:
        if blocking := place(frames_of_thread(self._thread)):
            reason = f"the event loop is blocked at {blocking}"
        else:
            subject, awaited = self._awaited
            stands = place(list(frames_of(awaited)))
            reason = f"{subject} does not end" + (f", at {stands}" if stands else "")
        log.critical("ended without a complete shutdown: %s", reason)
        from asyncworker.logs import flush

        flush()
        sys.stdout.flush()
