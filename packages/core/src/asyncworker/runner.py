"""The way from a call of `app.run()` to an exit code: signals, logs and an event loop."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from asyncworker.errors import AsyncWorkerError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

log = logging.getLogger(__name__)

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
LEFTOVER_GRACE: Final = 1.0
"""Seconds that tasks which users left running have to end when the loop closes."""


@contextmanager
def stop_signals(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Give SIGINT and SIGTERM to `handler` for a while; outside the main thread, change nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, old in previous.items():
            # None stands for a handler that was not set by Python, and cannot be set by it.
            signal.signal(number, signal.SIG_DFL if old is None else old)


@contextmanager
def event_loop(kind: str) -> Iterator[asyncio.AbstractEventLoop]:
    """Offer a new event loop; on exit cancel what was left running on it, and close it.

    kind: "asyncio" or "uvloop".
    Raises: ConfigurationError, when uvloop is not installed.
    """
    loop = _new_loop(kind)
    try:
        yield loop
    finally:
        loop.run_until_complete(_cancel_leftovers())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def exit_code(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, None]) -> int:
    """Run `main` to its end; log what it raises as one line, and return 0 or 1."""
    try:
        loop.run_until_complete(main)
    except asyncio.CancelledError:
        log.warning("stopped without a complete drain")
    except AsyncWorkerError as error:
        log.error("%s", error, exc_info=error.__cause__)  # noqa: TRY400 (its own words suffice)
    except Exception:
        # A backend or a hook may fail in ways of its own.
        log.exception("the app stopped")
    else:
        return 0
    return 1


def _new_loop(kind: str) -> asyncio.AbstractEventLoop:
    if kind == "asyncio":
        return asyncio.new_event_loop()
    try:
        import uvloop
    except ImportError:
        raise ConfigurationError(
            "ASYNCWORKER_LOOP=uvloop needs uvloop: pip install asyncworker-core[uvloop]"
        ) from None
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


async def _cancel_leftovers() -> None:
    leftovers = asyncio.all_tasks() - {asyncio.current_task()}
    for task in leftovers:
        task.cancel()
    if leftovers:
        await asyncio.wait(leftovers, timeout=LEFTOVER_GRACE)
