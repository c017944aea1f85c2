"""The clients of a server, watched for those that are too slow."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from asyncworker.http.serving.client import Client
from asyncworker.plural import counted

if TYPE_CHECKING:
    from aiohttp import web

    from asyncworker.http.settings import Settings

log = logging.getLogger(__name__)

MAX_INTERVAL: Final = 1.0
"""Seconds between two looks at all clients: that costs less than a timer for each request."""


class Watch:
    """Look at the clients of a server from time to time, and cut off the slow ones."""

    def __init__(self, server: web.Server, settings: Settings) -> None:
        self._server = server
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._clients: dict[web.RequestHandler, Client] = {}
        shortest = min(settings.header_timeout, settings.body_timeout, settings.answer_timeout)
        self._interval = min(MAX_INTERVAL, shortest / 4)
        self._last_look = self._loop.time()
        self._timer = self._loop.call_later(self._interval, self._look)

    @property
    def has_unread(self) -> bool:
        """Tell whether some clients have not read all of their answers."""
        return any(client.has_unread for client in self._update())

    def finish(self) -> bool:
        """Let no client begin a further request; tell whether some still send a body."""
        clients = self._update()
        for client in clients:
            client.finish()
        return any(client.is_uploading for client in clients)

    def cancel(self) -> list[asyncio.Task[None]]:
        """Cancel the handlers that run, be their clients there or not; return their tasks."""
        tasks = [client.cancel() for client in self._update()]
        return [task for task in tasks if task is not None]

    def close(self) -> None:
        """Watch no longer, and close what is left."""
        self._timer.cancel()
        for client in self._update():
            client.abort()

    def _update(self) -> list[Client]:
        """Return the clients that are there now, each with what is known about it.

        aiohttp forgets them all when it shuts down, be their answers read or not.
        """
        known = self._clients
        self._clients = {
            handler: known.get(handler) or Client(handler, self._settings)
            for handler in self._server.connections
        }
        self._clients |= {handler: client for handler, client in known.items() if client.has_unread}
        return list(self._clients.values())

    def _look(self) -> None:
        now = self._loop.time()
        # A worker that was busy meanwhile has not yet read what its clients have sent.
        elapsed = min(now - self._last_look, 2 * self._interval)
        self._last_look = now
        slow = [client for client in self._update() if client.is_slow(elapsed)]
        for client in slow:
            client.abort()
        if slow:
            log.info("cut off %s, too slow", counted(len(slow), "client"))
        self._timer = self._loop.call_later(self._interval, self._look)
