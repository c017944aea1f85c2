"""A look, now and then, at whether a connection is alive."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aiormq.abc import AbstractConnection

INTERVAL: Final = 0.5
"""Seconds between two looks."""


async def watch(connection: AbstractConnection) -> None:
    """Close a connection whose broker has been silent for 3 * (heartbeat + 1) seconds.

    The library does so too, but looks only once in half a heartbeat.
    """
    watched: Any = connection
    while not watched.is_closed:
        await asyncio.sleep(INTERVAL)
        if watched.is_connection_was_stuck:
            await watched.close(ConnectionAbortedError("the broker is silent"))
