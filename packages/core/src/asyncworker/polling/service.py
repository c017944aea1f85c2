"""The routes of a backend at work."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from asyncworker.polling.consumer import Consumer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from asyncworker.app import App
    from asyncworker.polling.route import PolledRoute


@asynccontextmanager
async def serving(app: App, routes: Sequence[PolledRoute]) -> AsyncIterator[None]:
    """Read and handle while the context lasts, as `Backend.serve()` has to; on exit drain.

    Nothing more is read then, what no handler was given is put back, and what handlers are at is
    settled when they end.
    """
    async with asyncio.TaskGroup() as group:
        consumers = []
        for route in routes:
            interval = route.options.bulk_flush_interval or app.settings.flush_timeout
            consumers.append(Consumer(route, interval, app.feed))
        for consumer in consumers:
            group.create_task(consumer.run())
        try:
            yield
        finally:
            for consumer in consumers:
                consumer.stop()
