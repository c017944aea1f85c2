"""One process of an app, started again whenever its code changes."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING, Final

from watchfiles import PythonFilter, awatch

if TYPE_CHECKING:
    from pathlib import Path

    from asyncworker.processes.children import Child, Children

log = logging.getLogger(__name__)

USAGE: Final = 2
"""The exit code of a process whose command line is wrong."""


class Reloader:
    """Keep one process running the code that is there now.

    folders: what is watched, with all that is in them.
    """

    def __init__(self, children: Children, folders: set[Path]) -> None:
        self._children = children
        self._folders = folders
        self._changed = asyncio.Event()

    async def run(self) -> int:
        """Run until a stop signal; return the last exit code."""
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch())
            code = await self._run_until_stopped()
            watching.cancel()
        return code

    async def _run_until_stopped(self) -> int:
        while True:
            self._changed.clear()
            code = await self._run()
            # A wrong command line does not get right by a change of code.
            is_wrong = code == USAGE and not self._children.started.is_set()
            if is_wrong or self._children.stopping.is_set():
                return code
            if not self._changed.is_set():
                log.info("waiting for a change of code")
            await _first(self._changed, self._children.stopping)
            if self._children.stopping.is_set():
                return code

    async def _run(self) -> int:
        """Run one process, to its end or to a change."""
        child = await self._children.start()
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(self._end_on_change(child))
            code = await self._children.end_of(child)
            ending.cancel()
        return code

    async def _end_on_change(self, child: Child) -> None:
        await self._changed.wait()
        child.send(signal.SIGTERM)

    async def _watch(self) -> None:
        async for changes in awatch(*self._folders, watch_filter=PythonFilter()):
            paths = sorted({path for _, path in changes})
            log.info("changed, starting again: %s", ", ".join(paths))
            self._changed.set()


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(event.wait()) for event in events]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()
