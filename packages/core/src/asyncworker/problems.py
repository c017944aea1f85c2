"""What keeps the routes of an app from working now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.plural import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asyncworker.connections import Connection
    from asyncworker.routes import Route


def problems_of(
    connections: Iterable[Connection], routes: Iterable[Route]
) -> Iterator[tuple[str, str]]:
    """Yield what is affected, and why."""
    for connection in connections:
        yield from connection.problems.items()
    for route in routes:
        # Only routes with an intake hold anything.
        delays = getattr(route, "delays", None)
        if delays is not None and (held := delays.count_held()):
            reason = f"{counted(held, 'message')} waiting for a rate, or behind one that is held"
            yield f"handler {route.handler_name}", reason
