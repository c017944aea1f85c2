"""What a monitor answers, as routes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from asyncworker.http.monitor.endpoints import Endpoints
from asyncworker.http.path import check_plain_prefix
from asyncworker.http.route import make_route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncworker.app import App
    from asyncworker.http.route import HTTPRoute
    from asyncworker.http.settings import Settings
    from asyncworker.routes import Route


def monitor_routes(
    app: App, settings: Settings, prefix: str = "", beside: Iterable[Route] = ()
) -> list[HTTPRoute]:
    """Return the routes of a monitor, of whose requests nothing is told.

    prefix: of their paths. beside: routes of the same server.
    Raises: ConfigurationError
    """
    check_plain_prefix(prefix, "a monitor's")
    made = (
        make_route(app, (f"{prefix}{path}",), handler, None, ["GET"], settings, beside)
        for path, handler in Endpoints(app).handlers.items()
    )
    return [replace(route, is_monitor=True) for route in made]
