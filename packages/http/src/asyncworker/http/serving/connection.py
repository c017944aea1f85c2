"""A connection to one client, as aiohttp makes it, that tells when the client leaves."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web

from asyncworker.http.serving.bad_addresses import is_no_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Listener = Callable[[], None]


class Connection(web.RequestHandler):
    """Be aiohttp's connection; aiohttp itself has no event for what this one tells."""

    __slots__ = ("_closing_listener", "_is_closing", "_lost_listener")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._is_closing = False
        self._lost_listener: Listener | None = None
        self._closing_listener: Listener | None = None

    @contextmanager
    def telling(self, *, lost: Listener, closing: Listener) -> Iterator[None]:
        """While the context lasts, tell of what happens, or has happened before.

        lost: called when the client has left. closing: when the connection is to take no further
        request, as at the end of a run.
        """
        self._lost_listener, self._closing_listener = lost, closing
        try:
            if self.transport is None:
                lost()
            elif self._is_closing:
                closing()
            yield
        finally:
            self._lost_listener = self._closing_listener = None

    def connection_lost(self, exc: BaseException | None) -> None:
        """Mind that the client has left."""
        super().connection_lost(exc)
        if self._lost_listener is not None:
            self._lost_listener()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to what was raised: 404 where a file's name was too long for any."""
        if is_no_file(exc, request):
            return web.HTTPNotFound()
        return super().handle_error(request, status, exc, message)

    def close(self) -> None:
        """Take no further request."""
        super().close()
        self._is_closing = True
        if self._closing_listener is not None:
            self._closing_listener()


def connections_of(server: web.Server) -> Callable[[], Connection]:
    """Return what makes a connection for each client of a server."""
    options = server._kwargs  # noqa: SLF001 (what its own connections are made with)
    return partial(Connection, server, loop=asyncio.get_running_loop(), **options)
