"""What is known of one stream, for logs and for `App.problems`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from asyncworker.sse.errors import StreamEnded, StreamError, StreamOver

if TYPE_CHECKING:
    from asyncworker.feed import Activity
    from asyncworker.once.standing import Turn

log = logging.getLogger(__name__)

NEW: Final = "not connected yet"


class Status:
    """Show what keeps a stream from being read as long as that lasts, and log each change once.

    reader: what reads it. stream: its URL, without the query. problems: those of the connection.
    """

    def __init__(
        self, reader: str, stream: str, problems: dict[str, str], activity: Activity
    ) -> None:
        self._subject = subject = f"{reader}, stream {stream}"
        self._stream = stream
        self._problems = problems
        self._activity = activity
        self._problem: str | None = NEW
        self._pause: str | None = None
        self._standing: Turn | None = None
        self.is_over: bool = False
        """Whether the server wants it to be asked no more."""
        self._problems[subject] = NEW

    def connected(self) -> None:
        """Show that events are read."""
        log.info("%s: connected", self._subject)
        self._problem = None
        self._show()

    def lost(self, error: StreamError) -> None:
        """Show that there is no stream for now, and why."""
        problem = str(error)
        if self._problem != problem:
            level = logging.INFO if isinstance(error, StreamEnded) else logging.WARNING
            log.log(level, "%s: %s; trying again", self._subject, problem)
        self._problem = problem
        self._show()

    def paused(self, problem: str) -> None:
        """Show that events are not handled, whatever else is wrong, and why."""
        if not self.is_over:
            self._pause = problem
            self._show()

    def resumed(self) -> None:
        """Show that they are handled again."""
        if self._pause is not None:
            self._pause = None
            self._show()
            if self._problem is NEW and self._standing is None:
                self._activity.waits(self._stream, NEW)

    def turns(self, turn: Turn) -> None:
        """Show whether the stream is read here, where one process among all reads it."""
        if self.is_over:
            return
        self._standing = None if turn.held else turn
        self._problem = NEW
        self._show()
        if turn.held and self._pause is None:
            self._activity.waits(self._stream, NEW)

    def over(self, end: StreamOver) -> None:
        """Say that the stream is over: that is the server's wish, and no problem."""
        self.is_over = True
        self._pause = None
        self.forget()
        self._activity.is_over(self._stream, str(end))
        log.warning("%s: %s", self._subject, end)

    def forget(self) -> None:
        """Show no problem any more."""
        self._problems.pop(self._subject, None)

    def _show(self) -> None:
        if (turn := self._standing) is not None:
            # Of the lock, which is no stream's alone, others tell the problem.
            self.forget()
            if turn.problem is None:
                self._activity.stands_by(self._stream, turn.reason)
            else:
                self._activity.waits(self._stream, turn.reason)
            return
        problem = self._pause or self._problem
        if problem is None:
            self.forget()
            self._activity.works(self._stream)
            return
        self._problems[self._subject] = problem
        if self._pause is not None:
            self._activity.pauses(self._stream, problem)
        elif problem is not NEW:
            self._activity.waits(self._stream, problem)
