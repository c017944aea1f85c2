"""What happened in the app of a test, and a change of it to wait for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from asyncworker.options import RouteOptions
from asyncworker.routes import standing_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from asyncworker.routes import Handler, Route

FLUSH_INTERVAL: Final = 0.01
"""Seconds after which a batch goes out in tests, full or not."""


class Journal:
    """Hold what handlers raised and how many run, and tell when anything changes."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.running: int = 0
        self._event = asyncio.Event()

    def changed(self) -> None:
        """Wake up whoever waits for a change."""
        self._event.set()

    async def next_change(self) -> None:
        """Wait for a change."""
        self._event.clear()
        await self._event.wait()

    def watched(self, route: Route) -> dict[str, Any]:
        """Return what to replace in a route that takes batches: it is watched, and never waits."""
        options = route.options
        if isinstance(options, RouteOptions):
            options = replace(options, bulk_flush_interval=FLUSH_INTERVAL)
        return {
            "handler": self._watched(route.handler),
            "options": options,
            "tell": self._telling(route.tell),
        }

    def _watched(self, handler: Handler) -> Handler:
        @standing_for(handler)
        async def watch(items: Any) -> Any:
            self.running += 1
            try:
                return await handler(items)
            except Exception as error:
                self.errors.append(error)
                raise
            finally:
                self.running -= 1
                self.changed()

        return watch

    def _telling(self, tell: Callable[..., Awaitable[None]] | None) -> Handler:
        async def note(error: Exception, *arguments: Any) -> None:
            self.errors.append(error)
            if tell is not None:
                await tell(error, *arguments)

        return note


def watched(route: Route, journal: Journal, **changes: Any) -> Any:
    """Return a route for a test: watched by the journal, with further changes."""
    return replace(route, **journal.watched(route), **changes)
