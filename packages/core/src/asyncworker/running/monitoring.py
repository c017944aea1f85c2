"""Whoever is told how a run goes: readers of its feed, clients, and the processes beside it."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from asyncworker.backend import Monitoring, load_backend
from asyncworker.errors import BackendNotInstalled
from asyncworker.route_types import RouteTypes
from asyncworker.variables import MONITOR

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncworker.app import App


def has_port(app: App) -> bool:
    """Tell whether an app has a monitor on a port of its own."""
    return app.settings.monitor_port is not None


@asynccontextmanager
async def told(app: App) -> AsyncIterator[None]:
    """Tell how a run goes while the context lasts: to readers of its feed, and to who asks.

    Raises: BackendNotInstalled, and what keeps the monitor from listening.
    """
    async with AsyncExitStack() as stack:
        if has_port(app):
            app.feed.keep_statistics()
        await stack.enter_async_context(app.feed.running())
        if app.siblings is not None and app.feed.statistics is not None:
            # Here, as most workers do without it, and it takes memory.
            from asyncworker.running.report import report

            await stack.enter_async_context(app.siblings.answering(partial(report, app)))
        if has_port(app):
            await stack.enter_async_context(monitor().monitoring(app))
        yield


def monitor() -> Monitoring:
    """Return what tells of a run on a port of its own.

    Raises: BackendNotInstalled
    """
    try:
        backend = load_backend(RouteTypes.HTTP)
    except BackendNotInstalled:
        pass
    else:
        if isinstance(backend, Monitoring):
            return backend
    raise BackendNotInstalled(
        f"{MONITOR}PORT needs asyncworker-http: pip install --upgrade asyncworker-http"
    )
