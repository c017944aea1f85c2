"""A limit for the time that one call of a handler takes (`Options.TIMEOUT`)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from asyncworker.errors import HandlerTimeout
from asyncworker.handling.uncancellable import CANCEL_GRACE, stood_at
from asyncworker.routes import name_of, standing_for

if TYPE_CHECKING:
    from asyncworker.routes import Handler

    Outcome = tuple[Any, BaseException | None]

log = logging.getLogger(__name__)

abandoned: Final[set[asyncio.Task[Outcome]]] = set()
"""Calls that ignored their cancellation; nobody else holds them while they still run."""


def limited(handler: Handler, seconds: float | None, source: str = "Options.TIMEOUT") -> Handler:
    """Return the handler with a limit, or as it is when there is none.

    What the limited one raises when the time has passed is HandlerTimeout, however the handler
    takes its cancellation; one that ignores it is abandoned `CANCEL_GRACE` seconds later.

    source: what the limit is from, for the message of that.
    """
    if seconds is None:
        return handler
    reason = f"it took longer than {seconds:g} s ({source}) and was cancelled"

    @standing_for(handler)
    async def call(*args: Any, **kwargs: Any) -> Any:
        # In a task of its own, as only that can be left behind.
        task = asyncio.get_running_loop().create_task(_outcome(handler, args, kwargs))
        await _ended(task, seconds)
        if task.done():
            return _result(task)
        task.cancel()
        await _ended(task, CANCEL_GRACE)
        if not task.done():
            _abandon(task, name_of(handler))
            raise HandlerTimeout(reason)
        raise HandlerTimeout(reason) from _cause(task)

    return call


async def _outcome(handler: Handler, args: Any, kwargs: Any) -> Outcome:
    """Return what a call returns, and what it raises: not even SystemExit may end the loop."""
    try:
        return await handler(*args, **kwargs), None
    except BaseException as error:  # noqa: BLE001 (as the docstring says)
        # What it shows begins with the handler, also where it is but the cause of another one.
        trace = error.__traceback__
        return None, error.with_traceback(None if trace is None else trace.tb_next)


async def _ended(task: asyncio.Task[Outcome], seconds: float) -> None:
    """Wait so long for the end of a call; cancelled meanwhile, cancel it and wait on."""
    try:
        await asyncio.wait([task], timeout=seconds)
    except asyncio.CancelledError:
        # Whoever cancels a handler waits only so long for its end: there is no need of a limit.
        task.cancel()
        await asyncio.wait([task])


def _result(task: asyncio.Task[Outcome]) -> Any:
    value, raised = task.result()
    if raised is not None:
        raise raised
    return value


def _cause(task: asyncio.Task[Outcome]) -> BaseException | None:
    """Return what ended a cancelled call: its traceback shows where the time was spent."""
    return None if task.cancelled() else task.result()[1]


def _abandon(task: asyncio.Task[Outcome], name: str) -> None:
    abandoned.add(task)
    task.add_done_callback(abandoned.discard)
    log.error("handler %s ignores its cancellation and is abandoned", name, extra=stood_at([task]))
