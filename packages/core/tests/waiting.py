"""What tests wait for: turns of the loop, a time that passes, an event, the end of a task."""

import asyncio

LIMIT = 60.0
"""Seconds after which what a test waits for is taken for lost."""


async def turns(count=40):
    """Let everything happen that waits for nothing."""
    for _ in range(count):
        await asyncio.sleep(0)


async def passed(clock, seconds):
    """Let time pass second by second, as a clock does."""
    for _ in range(seconds):
        await clock.advance(1)


async def until(event):
    async with asyncio.timeout(LIMIT):
        await event.wait()


async def deaf_until(event):
    """Wait for an event, and ignore every cancellation."""
    while not event.is_set():
        try:
            await event.wait()
        except asyncio.CancelledError:
            continue


async def ended(task):
    """Wait for the end; return what the task raised."""
    async with asyncio.timeout(LIMIT):
        await asyncio.wait([task])
    return task.exception() if not task.cancelled() else asyncio.CancelledError()
