"""A handler that runs until it is let go."""

import asyncio

SHUTDOWN_TIMEOUT = 20


class Handler:
    """Run until it is let go."""

    def __init__(self):
        self.entered = asyncio.Event()
        self.release = asyncio.Event()
        self.end = None

    async def __call__(self, items):
        self.entered.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.end = "cancelled"
            raise
        self.end = "done"
