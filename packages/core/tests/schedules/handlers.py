"""Handlers of schedules, which keep when they ran and what they were given."""

import asyncio

from packages.core.tests.waiting import turns


class Job:
    """Keep when it began, in seconds since the start, and last until it is let go."""

    def __init__(self, *, lasts=False):
        self._start = asyncio.get_running_loop().time()
        self._may_end = asyncio.Event()
        self.lasts = lasts
        self.begun = []
        self.ended = []

    async def __call__(self):
        self.begun.append(round(asyncio.get_running_loop().time() - self._start))
        try:
            if self.lasts:
                await self._may_end.wait()
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        self.ended.append("done")

    async def end(self):
        """Let what runs end, and nothing else."""
        self._may_end.set()
        await turns()
        self._may_end.clear()


class Handlers:
    """Handlers of all shapes, which keep what they were given."""

    def __init__(self):
        self.given = []

    async def takes_app(self, app):
        self.given.append(app)

    async def may_take_app(self, app=None):
        self.given.append(app)

    async def takes_anything(self, *args, **kwargs):
        self.given.append((args, kwargs))

    async def takes_nothing(self):
        self.given.append(None)

    async def takes_two(self, prefix, app):
        self.given.append((prefix, app))
