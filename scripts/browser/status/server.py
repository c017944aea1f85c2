"""Serve the status page as a monitor does, of whatever is to be shown."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from asyncworker.status import page, policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PREFIX: Final = "/-"


class Served:
    """Serve what a function returns, as a page, as events and as JSON.

    every: seconds between two events. has_events: whether there are any; the page can do without.
    """

    def __init__(
        self, snapshot: Callable[[], Any], every: float = 0.1, *, has_events: bool = True
    ) -> None:
        self.snapshot = snapshot
        self._every = every
        self.application = web.Application()
        self.application.router.add_get(f"{PREFIX}/status", self._page)
        self.application.router.add_get(f"{PREFIX}/status.json", self._json)
        if has_events:
            self.application.router.add_get(f"{PREFIX}/status/events", self._events)

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Yield the address of the page."""
        # With 0 it would wait for streams of events, which do not end.
        runner = web.AppRunner(self.application, shutdown_timeout=0.01)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}{PREFIX}/status"
        finally:
            await runner.cleanup()

    async def _page(self, _request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": policy()}
        return web.Response(text=page(), content_type="text/html", headers=headers)

    async def _json(self, _request: web.Request) -> web.Response:
        return web.json_response(self.snapshot())

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        # As the browser leaves the page.
        with suppress(ConnectionResetError):
            while True:
                await response.write(f"data: {json.dumps(self.snapshot())}\n\n".encode())
                await asyncio.sleep(self._every)
        return response
