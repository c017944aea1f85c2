"""Why a message failed, as others are told of it."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from asyncworker.handling.redaction import told
from asyncworker.handling.user_errors import raised_by_users

LONGEST_TEXT: Final = 1024
LONGEST_TRACEBACK: Final = 16 * 1024
"""Bytes of a traceback that are told: its end, which says the most."""


class Failure:
    """Hold what a handler raised.

    What is told of it is made once, however many messages failed by it, and only if it is asked.
    """

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.at = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
        """UTC, as a text of ISO 8601."""

    @cached_property
    def text(self) -> bytes:
        """Return `Type: message`, bounded and without data."""
        return _encoded(told(self.error))[:LONGEST_TEXT].decode(errors="ignore").encode()

    @cached_property
    def traceback(self) -> bytes:
        """Return the end of the traceback, from a whole line on."""
        text = _encoded("".join(traceback.format_exception(*raised_by_users(self.error))).rstrip())
        if len(text) <= LONGEST_TRACEBACK:
            return text
        end = text[-LONGEST_TRACEBACK:]
        return end[end.find(b"\n") + 1 :].decode(errors="ignore").encode()


class Unfit(Failure):
    """Hold what is wrong with a message that no handler is given."""


def _encoded(text: str) -> bytes:
    """Return a text in UTF-8; half a character has none."""
    return text.encode(errors="backslashreplace")
