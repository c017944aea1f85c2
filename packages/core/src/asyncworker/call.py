"""One call of a handler, as middlewares and error hooks see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import web

    from asyncworker.app import App
    from asyncworker.route_types import RouteType

__all__ = ["Call"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Tell of one call of a handler: it is what middlewares and error hooks are given.

    app: whose handler it is. route: the Route or the Schedule, with its `handler_name` and
    `options`. type: which kind of route it is, None for a schedule. items: the messages or events
    of the batch, none for HTTP and schedules. request: that of HTTP, None elsewhere.
    """

    app: App
    route: Any
    type: RouteType | None
    items: tuple[Any, ...] = ()
    request: web.Request | None = None
