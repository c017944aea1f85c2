"""A monitor on a port of its own."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from aiohttp import web

from asyncworker.http.monitor.routes import monitor_routes
from asyncworker.http.routing import add
from asyncworker.http.serving.server import Server, listening_problem
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
    """Serve a monitor where `ASYNCWORKER_MONITOR_PORT` says, within the limits of HTTP."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._server: Server | None = None
        self.url: URL | None = None

    @property
    def descriptors(self) -> list[int]:
        """Return those of the sockets that it listens on."""
        return [] if self._server is None else self._server.descriptors

    @asynccontextmanager
    async def listening(self, settings: Settings) -> AsyncIterator[None]:
        """Answer while the context lasts.

        settings: those of the app's own server.
        Raises: CannotListen
        """
        application = web.Application(client_max_size=settings.body_limit)
        add(application, [(route, None) for route in monitor_routes(self._app, settings)])
        self._server = Server(application, self._placed(settings), MONITOR)
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

    async def problem(self, settings: Settings) -> str | None:
        """Return why it could not listen now, or None."""
        return await listening_problem(self._placed(settings), MONITOR)

    def _placed(self, settings: Settings) -> Settings:
        core = self._app.settings
        where = {"host": core.monitor_host, "port": core.monitor_port}
        return settings.model_copy(
            update={**where, "sockets": core.monitor_sockets, "access_log": False}
        )
