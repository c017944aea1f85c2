"""Every exception of this backend, and what the library's own mean."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aiohttp import ClientError, ClientResponseError, InvalidURL
from aiohttp.http_exceptions import HttpProcessingError

from asyncworker.errors import AsyncWorkerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.sse.event import SSEEvent

MAX_REASON: Final = 300
"""The most characters of a server's or a library's words in one log line."""


class StreamError(AsyncWorkerError):
    """Report that a stream, or the way to it, failed for now.

    retry_after: seconds that the server asks to be left alone.
    """

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class StreamEnded(StreamError):
    """Report a stream that the server ended in order; it may go on after a reconnect."""


class StreamOver(AsyncWorkerError):
    """Report a stream that the server wants nobody to ask for again."""


class EventTooLarge(StreamError):
    """Report a line or an event over the limit; `events` are those that came before it."""

    def __init__(self, max_size: int, events: list[SSEEvent]) -> None:
        super().__init__(f"a line or an event has more than {max_size} bytes (max_event_size)")
        self.events = events


class NotJSON(AsyncWorkerError, ValueError):
    """Report an event whose `body` was asked for and whose data is no JSON."""


@contextmanager
def stream_errors(timed_out: str) -> Iterator[None]:
    """Raise StreamError for whatever the library raises when a server fails.

    timed_out: the words for a timeout.

    An error that comes at the same moment as a cancellation must not pass for an error alone, or
    the task would go on for ever.
    """
    before = _cancellations()
    try:
        yield
    except (ClientError, HttpProcessingError, OSError, EOFError, ValueError) as error:
        if _cancellations() > before:
            raise asyncio.CancelledError from error
        is_timeout = isinstance(error, TimeoutError)
        raise StreamError(timed_out if is_timeout else reason_of(error)) from error


def _cancellations() -> int:
    """Return how often the owner of the running task has cancelled it."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def reason_of(error: Exception) -> str:
    """Return what happened in one line, without the URL, which may hold a secret."""
    if isinstance(error, InvalidURL):
        return "the URL cannot be used"
    words = error.message if isinstance(error, ClientResponseError) else str(error)
    return one_line(words) or type(error).__name__


def one_line(text: str) -> str:
    """Return a text that others wrote as one line of bounded length."""
    return " ".join(text[:MAX_REASON].split())
