"""What one handler raises again and again, in logs."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from asyncworker.handling.redaction import MOST, brief, linked, links
from asyncworker.handling.user_errors import raised_by_users
from asyncworker.plural import counted

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Mapping
    from types import CodeType

AGAIN_AFTER: Final = 60.0
"""Seconds after which the traceback of a failure that goes on is shown again."""
AGAIN_AT: Final = 1000
"""Failures after which it is, too: nobody may miss it in a log that is rotated."""
MOST_KNOWN: Final = 100
"""Failures of different kinds that are told apart."""


class Failures:
    """Log a line for each failure of a handler, with its traceback where that is news.

    It is none when the same was raised at the same lines shortly before.

    subject: what begins the line.
    """

    def __init__(self, log: logging.Logger, subject: str) -> None:
        self._log = log
        self._subject = subject
        self._shown: dict[int, tuple[float, int]] = {}

    def report(
        self, error: BaseException, extra: Mapping[str, Any] | None = None, what_next: str = ""
    ) -> None:
        """Log what the handler raised. what_next: ends the line."""
        ago = self._ago(error)
        trace = {} if ago is None else {"traceback": f"as {ago} before"}
        self._log.error(
            "%s raised %s%s",
            self._subject,
            brief(error),
            what_next,
            exc_info=raised_by_users(error) if ago is None else None,
            extra={**(extra or {}), **trace},
            stacklevel=2,
        )

    def _ago(self, error: BaseException) -> str | None:
        """Return how long ago the same traceback was shown, None if it is to be shown now."""
        now, kind = time.monotonic(), _kind(error)
        shown_at, count = self._shown.get(kind, (0.0, 0))
        if 0 < count < AGAIN_AT and now - shown_at < AGAIN_AFTER:
            self._shown[kind] = shown_at, count + 1
            return counted(count, "failure")
        if len(self._shown) >= MOST_KNOWN:
            self._shown.clear()
        self._shown[kind] = now, 1
        return None


def _kind(error: BaseException) -> int:
    """Return what is the same for the same classes, raised at the same lines."""
    return hash(tuple((type(each), *_lines(each)) for each in islice(linked(error), MOST)))


def _lines(error: BaseException) -> Iterator[tuple[CodeType, int]]:
    return ((link.tb_frame.f_code, link.tb_lineno) for link in links(error.__traceback__))
