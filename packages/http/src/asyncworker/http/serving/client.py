"""One client's connection: how long the server waits for that client.

aiohttp limits the time from one answer to the next request's head, not that of a first head, a
body, or an answer that nobody reads; nor does it offer the state by which a limit could be set.
So this is the one file that looks into `web.RequestHandler`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio

    from aiohttp import web

    from asyncworker.http.settings import Settings

BODY_RATE: Final = 500.0
"""Bytes that buy a body one more second, so that a large one may take its time and none drips."""


class Client:
    """Look at a connection from time to time, and note how long its client is waited for."""

    def __init__(self, handler: web.RequestHandler, settings: Settings) -> None:
        self._handler: Any = handler
        self._settings = settings
        # aiohttp lets go of it when it closes, though an answer may still be on its way.
        self._transport: asyncio.Transport | None = self._handler.transport
        self._head_time: float | None = None
        self._upload: web.Request | None = None
        self._upload_time = 0.0
        self._unread = 0
        self._unread_time = 0.0

    @property
    def is_uploading(self) -> bool:
        """Tell whether a handler runs whose request's body is not complete."""
        request = self._request
        is_there = self._handler.transport is not None
        return is_there and request is not None and not request.content.is_eof()

    @property
    def has_unread(self) -> bool:
        """Tell whether the client has not read all of its answers."""
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def finish(self) -> None:
        """Take no further request: close now when none is under way, else after its answer."""
        if not self._handler._request_in_progress:  # noqa: SLF001
            self.cancel()
            self._handler.force_close()
        elif not self.is_uploading:
            # Closing makes aiohttp deaf, so that the rest of a body would never arrive.
            self._handler.close()

    def cancel(self) -> asyncio.Task[None] | None:
        """Cancel what reads requests and runs their handlers; return it."""
        request = self._request
        # aiohttp forgets the task of a client that has gone, but the request knows it.
        task: asyncio.Task[None] | None
        task = self._handler._task_handler if request is None else request.task  # noqa: SLF001
        if task is not None:
            task.cancel()
        return task

    def abort(self) -> None:
        """Close the connection, whatever the client has not read yet."""
        if self._transport is not None:
            self._transport.abort()

    def is_slow(self, elapsed: float) -> bool:
        """Tell whether the client has used up its time.

        elapsed: seconds since the last call.
        """
        transport = self._transport
        # All three are asked, as they count.
        return transport is not None and any(
            [
                self._head_is_late(elapsed),
                self._body_is_late(elapsed, transport),
                self._answer_is_late(elapsed, transport),
            ]
        )

    @property
    def _request(self) -> web.Request | None:
        """Return the request whose handler runs now."""
        request: web.Request | None = self._handler._current_request  # noqa: SLF001
        return request

    def _head_is_late(self, elapsed: float) -> bool:
        if self._handler._request_count > 0:  # noqa: SLF001
            return False
        # Nobody knows how long before the first look the client came.
        self._head_time = 0.0 if self._head_time is None else self._head_time + elapsed
        return self._head_time > self._settings.header_timeout

    def _body_is_late(self, elapsed: float, transport: asyncio.Transport) -> bool:
        request = self._request if self.is_uploading else None
        if request is None or request is not self._upload:
            self._upload = request
            self._upload_time = 0.0
            return False
        # While reading is paused the handler is slow, not the client.
        if transport.is_reading():
            self._upload_time += elapsed
        bought = request.content.total_bytes / BODY_RATE
        return self._upload_time > self._settings.body_timeout + bought

    def _answer_is_late(self, elapsed: float, transport: asyncio.Transport) -> bool:
        unread = transport.get_write_buffer_size()
        stalls = 0 < self._unread <= unread
        self._unread = unread
        self._unread_time = self._unread_time + elapsed if stalls else 0.0
        return self._unread_time > self._settings.answer_timeout
