"""Waiting for what another process does."""

import asyncio
from collections.abc import Awaitable, Callable

LIMIT = 60.0
"""Seconds that anything may take on a busy machine before a drill gives up waiting for it."""
INTERVAL = 0.02
"""Seconds between two looks at what cannot call back: a file, another process."""


async def until(condition: Callable[[], object], what: str, limit: float = LIMIT) -> None:
    """Return as soon as the condition holds.

    what: names it in the failure. limit: seconds.
    Raises: AssertionError, when the limit passes first.
    """
    clock = asyncio.get_running_loop().time
    end = clock() + limit
    while not condition():
        assert clock() < end, f"{what}: not within {limit:g} s"
        await asyncio.sleep(INTERVAL)


async def until_so(ask: Callable[[], Awaitable[object]], what: str, limit: float = LIMIT) -> None:
    """Return as soon as an answer is what is waited for; else as `until()`."""
    clock = asyncio.get_running_loop().time
    end = clock() + limit
    while not await ask():
        assert clock() < end, f"{what}: not within {limit:g} s"
        await asyncio.sleep(INTERVAL)
