"""A monitor on a port of its own."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aiohttp import web

from asyncworker.http.monitor.routes import monitor_routes
from asyncworker.http.routing import add
from asyncworker.http.serving.server import Server
from asyncworker.variables import MONITOR

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from yarl import URL

    from asyncworker.app import App
    from asyncworker.http.settings import Settings

log = logging.getLogger(__name__)

CLOSING: Final = 1.0
"""Seconds that clients have for what they still read, when the run is over."""


class MonitorServer:
    """Serve a monitor where `ASYNCWORKER_MONITOR_PORT` says.

    settings: those of the app's own server, whose limits it has.
    """

    def __init__(self, app: App, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._server: Server | None = None
        self.url: URL | None = None

    @property
    def descriptors(self) -> list[int]:
        """Return those of the sockets that it listens on."""
        return [] if self._server is None else self._server.descriptors

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Answer while the context lasts.

        Raises: CannotListen
        """
        application = web.Application(client_max_size=self._settings.body_limit)
        add(application, [(route, None) for route in monitor_routes(self._app, self._settings)])
        self._server = Server(application, placed(self._app, self._settings), MONITOR)
        async with AsyncExitStack() as stack:
            self.url = await stack.enter_async_context(self._server.listening())
            log.info("monitor: %s", self.url)
            try:
                yield
            finally:
                self.url = self._server = None
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSING):
                        await stack.aclose()


def placed(app: App, settings: Settings) -> Settings:
    """Return settings of a server, with the place of an app's monitor."""
    core = app.settings
    return replace(
        settings,
        host=core.monitor_host,
        port=core.monitor_port or 0,
        sockets=core.monitor_sockets,
        access_log=False,
    )
