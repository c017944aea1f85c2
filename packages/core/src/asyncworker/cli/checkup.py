"""What would keep an App from working, found out without running it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from asyncworker.backend import Checking, load_backend
from asyncworker.errors import AsyncWorkerError
from asyncworker.handling.redaction import brief
from asyncworker.route_types import RouteTypes
from asyncworker.running.monitoring import has_port
from asyncworker.running.nothing_to_do import idle_reason

if TYPE_CHECKING:
    from asyncworker.app import App
    from asyncworker.route_types import RouteType


async def problems_of(app: App, limit: float) -> list[str]:
    """Return a line for each problem or remark; connections and routes are tried side by side.

    limit: seconds for all of them.
    """
    types = {one.type for one in app.routes} | {one.route_type for one in app.connections.all}
    if has_port(app):
        types.add(RouteTypes.HTTP)
    async with asyncio.TaskGroup() as group:
        checks = [
            group.create_task(_check(app, one, limit))
            for one in sorted(types, key=lambda one: one.name)
        ]
    found = [problem for check in checks for problem in check.result()]
    reason = idle_reason(app)
    return found if found or reason is None else [reason]


async def _check(app: App, route_type: RouteType, limit: float) -> list[str]:
    try:
        backend = load_backend(route_type)
        if not isinstance(backend, Checking):
            return []
        routes = [route for route in app.routes if route.type == route_type]
        async with asyncio.timeout(limit):
            return await backend.check(app, routes)
    except TimeoutError:
        return [f"{route_type!r}: no answer within {limit:g} s"]
    except AsyncWorkerError as error:
        return [f"{route_type!r}: {error}"]
    except Exception as error:  # noqa: BLE001 (a backend of a third party may fail in its own ways)
        return [f"{route_type!r}: {brief(error)}"]
