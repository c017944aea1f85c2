"""What aiohttp logs: its own errors, not those that any client can cause at will."""

from __future__ import annotations

import logging
from typing import Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

from asyncworker.handling.exception_groups import counts_as
from asyncworker.handling.user_errors import raised_by_users

log = logging.getLogger(__name__)

CAUSED_BY_CLIENTS: Final = (HttpProcessingError, web.RequestPayloadError, ConnectionError)

only_ours: Final = logging.getLogger("asyncworker.http.aiohttp")
"""The logger for aiohttp: a stranger must not fill the log with tracebacks."""


def is_ours(record: logging.LogRecord) -> bool:
    """Tell whether a record is worth a line; the others are one of level DEBUG."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None or not counts_as(error, CAUSED_BY_CLIENTS):
        # What middlewares and sub-applications raised.
        record.exc_info = None if error is None else raised_by_users(error)
        return True
    # The error's own words may repeat a header, and with it what only the client should know.
    log.debug("a client was refused or lost: %s", type(error).__name__)
    return False


only_ours.addFilter(is_ours)
