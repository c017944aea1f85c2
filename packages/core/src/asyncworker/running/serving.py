"""Backends and schedules at work, each in a task of its own, so that all drain side by side."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from asyncworker.handling.exception_groups import leaves
from asyncworker.handling.redaction import brief
from asyncworker.handling.uncancellable import abandon_unresponsive, log_abandoned
from asyncworker.plural import counted

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

log = logging.getLogger(__name__)

CANCEL_GRACE: Final = 10.0
"""Seconds that a cancelled backend has to end before it is abandoned."""


class Serving:
    """Hold the contexts of what serves until `stopping` is set; one that fails sets it.

    A failure of one lets the others drain: cancelling them would have their work done twice.
    """

    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []

    async def add(self, name: str, context: AbstractAsyncContextManager[None]) -> None:
        """Enter a context; one that fails or is cancelled here is not among those that drain."""
        entered = asyncio.Event()
        task = asyncio.get_running_loop().create_task(self._serve(name, context, entered))
        self._tasks.add(task)
        try:
            await entered.wait()
        except asyncio.CancelledError:
            task.cancel()
            raise
        if self._failures:
            self.raise_failure()

    async def ended(self) -> None:
        """Wait until every context has been left."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def cancel(self) -> None:
        """Cancel what is still there, and abandon what does not end."""
        for task in self._tasks:
            task.cancel()
        if unresponsive := await abandon_unresponsive(self._tasks, CANCEL_GRACE):
            log_abandoned(log, counted(len(unresponsive), "backend"))

    def raise_failure(self) -> None:
        """Raise what the first that failed raised, if one did."""
        if self._failures:
            failure = self._failures[0]
            raise failure from failure.__cause__

    async def _serve(
        self, name: str, context: AbstractAsyncContextManager[None], entered: asyncio.Event
    ) -> None:
        try:
            async with context:
                entered.set()
                await self._stopping.wait()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            # A SystemExit of a backend ends the run as well, once it is known what failed.
            self._failures.append(next(leaves(error)))
            if entered.is_set():
                log.error("%s failed, stopping: %s", name, brief(self._failures[-1]))  # noqa: TRY400 (whoever runs the app shows the traceback)
            self._stopping.set()
            if not isinstance(error, Exception) and not isinstance(error, BaseExceptionGroup):
                raise
        finally:
            entered.set()
