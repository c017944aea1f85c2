"""Documents of an app, made once and served by it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from asyncworker.describing.documents import document, written
from asyncworker.describing.html import page, policy
from asyncworker.http.refusal import JSON
from asyncworker.http.route import make_route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from asyncworker.app import App
    from asyncworker.http.route import HTTPRoute
    from asyncworker.http.settings import Settings
    from asyncworker.routes import Route

HEADERS: Final = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
LINKS: Final = {"OpenAPI": "openapi.json", "AsyncAPI": "asyncapi.json"}


class Documents:
    """Answer with what an app takes and gives.

    title, version: of the app; by its module when left out.
    """

    def __init__(self, app: App, title: str | None, version: str | None) -> None:
        self._app = app
        self._title = title
        self._version = version
        self._openapi = self._asyncapi = self._page = b""

    def make(self) -> None:
        """Make them, as of now: no request waits for that."""
        openapi = document(self._app, "openapi", self._title, self._version)
        asyncapi = document(self._app, "asyncapi", self._title, self._version)
        self._openapi, self._asyncapi = written(openapi).encode(), written(asyncapi).encode()
        self._page = page(openapi, asyncapi, LINKS).encode()

    def routes(self, settings: Settings, prefix: str, beside: Iterable[Route]) -> list[HTTPRoute]:
        """Return the routes that serve them, of whose requests nothing is told.

        prefix: of their paths. beside: routes of the same server.
        Raises: ConfigurationError
        """
        handlers: dict[str, Callable[[], Any]] = {
            "/openapi.json": self.openapi,
            "/asyncapi.json": self.asyncapi,
            "/docs": self.docs,
        }
        made = (
            make_route(self._app, (f"{prefix}{path}",), handler, None, ["GET"], settings, beside)
            for path, handler in handlers.items()
        )
        return [replace(route, is_monitor=True) for route in made]

    async def openapi(self) -> web.Response:
        """Return the document of OpenAPI."""
        return web.Response(body=self._openapi, content_type=JSON, headers=HEADERS)

    async def asyncapi(self) -> web.Response:
        """Return the document of AsyncAPI."""
        return web.Response(body=self._asyncapi, content_type=JSON, headers=HEADERS)

    async def docs(self) -> web.Response:
        """Return the page."""
        headers = {**HEADERS, "Content-Security-Policy": policy()}
        return web.Response(
            body=self._page, content_type="text/html", charset="utf-8", headers=headers
        )
