"""The server of one run: from a bound port to the last answer."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from aiohttp import web
from yarl import URL

from asyncworker.handling.redaction import brief
from asyncworker.handling.uncancellable import abandon_unresponsive
from asyncworker.handling.user_errors import raised_by_users
from asyncworker.http.errors import CannotListen
from asyncworker.http.serving.aiohttp_log import only_ours
from asyncworker.http.serving.connection import connections_of
from asyncworker.http.serving.guard import guarded
from asyncworker.http.serving.request import requests_of
from asyncworker.http.serving.slow_clients import Watch
from asyncworker.http.settings import PREFIX
from asyncworker.plural import counted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncworker.http.settings import Settings

log = logging.getLogger(__name__)

BACKLOG: Final = 1024
"""Clients that may wait to be accepted: a thousand that come at once must not be turned away."""
CANCEL_GRACE: Final = 0.5
"""Seconds that a cancelled handler has to end before it is abandoned."""
TURNS: Final = 3
"""Turns of the loop from the last bytes of a request's head to the call of its handler."""
POLL: Final = 0.01
"""Seconds between two looks at what is left, at the end of a run."""
NO_LIMIT: Final = 0.0
"""What aiohttp takes for no limit of its own: the drain has one for all backends."""


class Server:
    """Serve one web.Application.

    prefix: what the variables begin with that tell where it listens.
    """

    def __init__(
        self, application: web.Application, settings: Settings, prefix: str = PREFIX
    ) -> None:
        self._settings = settings
        self._prefix = prefix
        self._runner = web.AppRunner(
            application,
            shutdown_timeout=NO_LIMIT,
            logger=only_ours,
            access_log=logging.getLogger("aiohttp.access") if settings.access_log else None,
            keepalive_timeout=settings.keepalive_timeout,
            max_line_size=settings.header_limit,
            max_field_size=settings.header_limit,
        )
        self._watch: Watch | None = None
        self._listeners: list[asyncio.Server] = []

    @property
    def descriptors(self) -> list[int]:
        """Return those of the sockets that it listens on."""
        return [one.fileno() for listener in self._listeners for one in listener.sockets]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[URL]:
        """Take requests while the context lasts; on exit let running handlers end, and close.

        Left by an exception, or cancelled meanwhile, it cancels the handlers.
        Raises: CannotListen
        """
        try:
            yield await self._listen()
        except BaseException:
            # A cancellation too: whoever gave it waits only so long.
            await self._end(at_once=True)
            raise
        await self._end(at_once=False)

    async def _listen(self) -> URL:
        await self._runner.setup()
        server = self._runner.server
        assert server is not None  # noqa: S101
        server.request_handler = guarded(server.request_handler)
        server.request_factory = requests_of(server, self._runner.app)
        self._watch = Watch(server, self._settings)
        try:
            await self._bind(server)
        except OSError as error:
            raise CannotListen(_reason(self._settings, error, self._prefix)) from None
        bound = self._listeners[0].sockets[0].getsockname()[1]
        return URL.build(scheme="http", host=self._settings.host, port=bound)

    async def _bind(self, server: web.Server) -> None:
        create_server = asyncio.get_running_loop().create_server
        connect = connections_of(server)
        for descriptor in self._settings.descriptors:
            inherited = socket.socket(fileno=descriptor)
            inherited.set_inheritable(False)
            self._listeners.append(await create_server(connect, sock=inherited, backlog=BACKLOG))
        if not self._settings.sockets:
            host, port = self._settings.host, self._settings.port
            self._listeners.append(await create_server(connect, host, port, backlog=BACKLOG))

    async def _end(self, *, at_once: bool) -> None:
        closing = asyncio.get_running_loop().create_task(self._close())
        try:
            if not at_once:
                await asyncio.shield(closing)
        finally:
            if not closing.done():
                await self._cut_short(closing)
            if self._watch is not None:
                self._watch.close()

    async def _close(self) -> None:
        """Stop accepting, let what runs end, and wait until each client has its answer."""
        await self._accept_no_more()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        # aiohttp has no event for what the two loops wait for.
        while self._watch is not None and self._watch.finish():  # noqa: ASYNC110
            await asyncio.sleep(POLL)
        await self._runner.cleanup()
        while self._watch is not None and self._watch.has_unread:  # noqa: ASYNC110
            await asyncio.sleep(POLL)

    async def _accept_no_more(self) -> None:
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            for one in listener.sockets:
                loop.remove_reader(one.fileno())
        # Of a client that is accepted in the very turn in which its listener closes, asyncio would
        # forget the socket: the client would wait for ever.
        await asyncio.sleep(0)
        for listener in self._listeners:
            listener.close()

    async def _cut_short(self, closing: asyncio.Task[None]) -> None:
        """Cancel the handlers, upon which the closing comes to its end."""
        handlers = [] if self._watch is None else self._watch.cancel()
        unresponsive = await abandon_unresponsive([closing, *handlers], CANCEL_GRACE)
        if closing in unresponsive:
            closing.cancel()
            await asyncio.wait([closing], timeout=CANCEL_GRACE)
        elif not closing.cancelled() and (error := closing.exception()):
            exc_info = raised_by_users(error)
            log.error("the server did not end cleanly: %s", brief(error), exc_info=exc_info)
        if abandoned := unresponsive - {closing}:
            count = counted(len(abandoned), "handler")
            log.error("abandoned %s that would not be cancelled", count)


async def listening_problem(settings: Settings, prefix: str = PREFIX) -> str | None:
    """Return why a server could not listen now, or None.

    prefix: that of a `Server`.
    """
    loop = asyncio.get_running_loop()
    try:
        # Bound, but not listening: no client gets through.
        bound = await loop.create_server(
            asyncio.Protocol, settings.host, settings.port, start_serving=False
        )
    except OSError as error:
        return _reason(settings, error, prefix)
    bound.close()
    return None


def _reason(settings: Settings, error: OSError, prefix: str) -> str:
    host, port = settings.host, settings.port
    if settings.sockets:
        return f"cannot listen on {prefix}SOCKETS={settings.sockets}: {error.strerror}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"{host}:{port} is taken: stop what listens there, or set {prefix}PORT to another "
            "port (0 takes a free one)"
        )
    # Names that cannot be resolved have numbers of their own, below zero.
    words = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return f"cannot listen on {host}:{port}: {words}: set {prefix}HOST or {prefix}PORT"
