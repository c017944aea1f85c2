"""What is known of one stream, for logs and for `App.problems`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from asyncworker.sse.errors import StreamEnded, StreamError, StreamOver

if TYPE_CHECKING:
    from asyncworker.feed import Activity

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
        self._problems[subject] = NEW

    def connected(self) -> None:
        """Show that events are read."""
        self.forget()
        self._activity.works(self._stream)
        log.info("%s: connected", self._subject)

    def lost(self, error: StreamError) -> None:
        """Show that there is no stream for now, and why."""
        problem = str(error)
        if self._problems.get(self._subject) != problem:
            level = logging.INFO if isinstance(error, StreamEnded) else logging.WARNING
            log.log(level, "%s: %s; trying again", self._subject, problem)
        self._problems[self._subject] = problem
        self._activity.waits(self._stream, problem)

    def over(self, end: StreamOver) -> None:
        """Say that the stream is over: that is the server's wish, and no problem."""
        self.forget()
        self._activity.is_over(self._stream, str(end))
        log.warning("%s: %s", self._subject, end)

    def forget(self) -> None:
        """Show no problem any more."""
        self._problems.pop(self._subject, None)
