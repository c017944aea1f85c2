"""Retry-After: how long a server asks to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

MAX_RETRY_AFTER: Final = 3600.0
"""Seconds after which a server is asked again, whatever it said: it may have said nonsense."""


def seconds_to_wait(retry_after: str) -> float:
    """Return the seconds that a header's value stands for, 0 when it makes no sense.

    A whole number of seconds, or a date (RFC 9110, 10.2.3).
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        # A longer number is over the limit, and may be too long for int().
        return min(float(text[:10]), MAX_RETRY_AFTER)
    try:
        # Dates of HTTP are in UTC, whether they say so or not.
        until = parsedate_to_datetime(text).replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max((until - datetime.now(UTC)).total_seconds(), 0.0), MAX_RETRY_AFTER)
