"""What a monitor answers, by its paths."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from pydantic_core import to_json

from asyncworker.http.monitor.everyone import health_of, life_of, metrics_of, status_of
from asyncworker.http.refusal import JSON, refusal
from asyncworker.http.streaming.event import DEFAULT, SSEEvent
from asyncworker.status import page, policy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from asyncworker.app import App

EXPOSITION: Final = "text/plain; version=0.0.4; charset=utf-8"
FRESH: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
EVERY: Final = 1.0
"""Seconds between two events of a status."""
MOST_READERS: Final = 20
"""Clients that are sent events side by side, by one process."""


class Endpoints:
    """Answer what is asked of a run; nothing can be changed by it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._readers = 0

    @property
    def handlers(self) -> dict[str, Callable[[], Any]]:
        """Return what answers GET, by path."""
        return {
            "/health/live": self.live,
            "/health/ready": self.ready,
            "/metrics": self.metrics,
            "/status": self.status,
            "/status.json": self.status_json,
            "/status/events": self.status_events,
        }

    async def live(self) -> web.Response:
        """Tell that the event loop turns, as it does where this is answered."""
        problems = await life_of(self._app)
        return _json({"live": not problems, "problems": problems}, is_well=not problems)

    async def ready(self) -> web.Response:
        """Tell whether all routes work, and which do not."""
        health = await health_of(self._app)
        return _json(health, is_well=health["ready"])

    async def metrics(self) -> web.Response:
        """Return metrics for Prometheus."""
        try:
            text = await metrics_of(self._app)
        except ImportError as error:
            raise refusal(web.HTTPNotImplemented, str(error)) from None
        return web.Response(body=text, headers={**FRESH, "Content-Type": EXPOSITION})

    async def status(self) -> web.Response:
        """Return the page."""
        headers = {**FRESH, "Content-Security-Policy": policy()}
        return web.Response(text=page(), content_type="text/html", headers=headers)

    async def status_json(self) -> web.Response:
        """Return a snapshot."""
        return _json(await status_of(self._app))

    async def status_events(self) -> AsyncIterator[SSEEvent]:
        """Send a snapshot again and again, until the run is to end; one, when that is near."""
        if self._readers >= MOST_READERS:
            raise refusal(web.HTTPServiceUnavailable, f"{MOST_READERS} clients are sent events")
        self._readers += 1
        try:
            while True:
                yield SSEEvent(DEFAULT, to_json(await status_of(self._app)).decode())
                if self._app.stopping or await self._stops_within(EVERY):
                    return
        finally:
            self._readers -= 1

    async def _stops_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._app.stopping
        except TimeoutError:
            return False
        return True


def _json(value: Any, *, is_well: bool = True) -> web.Response:
    status = 200 if is_well else 503
    return web.Response(body=to_json(value), status=status, content_type=JSON, headers=FRESH)
