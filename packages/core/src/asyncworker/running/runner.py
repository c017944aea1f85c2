"""The way from a call of `app.run()` to an exit code, on an event loop of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from asyncworker.errors import AsyncWorkerError, ConfigurationError
from asyncworker.handling.uncancellable import is_abandoned, keep, stood_at
from asyncworker.handling.unfinished import frames_of_thread, place
from asyncworker.handling.user_errors import caused_by_users, raised_by_users
from asyncworker.plural import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

log = logging.getLogger(__name__)

LEFTOVER_GRACE: Final = 1.0
"""Seconds that tasks and threads which users left running have to end when the loop closes."""
POLL: Final = 0.1
"""Seconds between two looks at whether a thread may take longer."""
THREADS: Final = "asyncworker-thread"
"""What the names of the threads of `asyncio.to_thread` begin with."""


@contextmanager
def event_loop(kind: str) -> Iterator[asyncio.AbstractEventLoop]:
    """Offer a new event loop; on exit cancel what was left running on it, and close it.

    kind: "asyncio" or "uvloop".
    Raises: ConfigurationError, when uvloop is not installed.
    """
    loop = _new_loop(kind)
    loop.set_default_executor(ThreadPoolExecutor(thread_name_prefix=THREADS))
    try:
        yield loop
    finally:
        loop.run_until_complete(_cancel_leftovers())
        unresponsive = asyncio.all_tasks(loop)
        if left := [task for task in unresponsive if not is_abandoned(task)]:
            what = counted(len(left), "task")
            log.error("abandoned %s that would not be cancelled", what, extra=stood_at(left))
        keep(unresponsive)
        # What is left now ignored its cancellation; asyncio would say so once more, as plain text.
        loop.set_exception_handler(lambda *_: None)
        loop.close()


def exit_code(loop: asyncio.AbstractEventLoop, main: Coroutine[Any, Any, None]) -> int:
    """Run `main` to its end; log what it raises as one line, and return 0 or 1."""
    try:
        loop.run_until_complete(main)
    except asyncio.CancelledError:
        log.warning("stopped without a complete drain")
    except AsyncWorkerError as error:
        log.error("%s", error, exc_info=caused_by_users(error))  # noqa: TRY400 (its own words suffice)
    except Exception as error:
        # A backend or a hook may fail in ways of its own.
        log.error("the app stopped", exc_info=raised_by_users(error))  # noqa: TRY400 (bounded)
    else:
        return 0
    return 1


def leave(code: int, drain_end: Callable[[], float]) -> None:
    """End the process where a run failed, or where threads of handlers do not return.

    They have as long as the drain; where that failed, `LEFTOVER_GRACE`.

    drain_end: returns until when the drain may last, by the monotonic clock.
    Raises: SystemExit, when there are none.
    """
    if left := _threads_left(code, drain_end):
        found = {place(frames_of_thread(thread.ident)) for thread in left if thread.ident}
        extra = {"stood_at": sorted(filter(None, found))}
        log.error("abandoned %s that does not return", counted(len(left), "thread"), extra=extra)
        if threading.current_thread() is threading.main_thread():
            # The interpreter would wait for it for ever.
            from asyncworker.logs import flush

            flush()
            sys.stdout.flush()
            os._exit(1)
        code = 1
    if code:
        raise SystemExit(code)


def _threads_left(code: int, drain_end: Callable[[], float]) -> list[threading.Thread]:
    """Wait for the threads of `asyncio.to_thread`, and return those that still run."""
    soon = time.monotonic() + LEFTOVER_GRACE
    threads = [one for one in threading.enumerate() if one.name.startswith(THREADS)]
    for thread in threads:
        while thread.is_alive():
            until = soon if code else max(soon, drain_end())
            if (left := until - time.monotonic()) <= 0:
                break
            # In steps, as a signal may come that ends the patience.
            thread.join(min(left, POLL))
    return [thread for thread in threads if thread.is_alive()]


def check_no_loop_runs() -> None:
    """Accept a thread that runs no event loop.

    Raises: ConfigurationError
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise ConfigurationError("an event loop runs already: await app.serve() instead of app.run()")


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
    mine = asyncio.current_task()
    leftovers = {
        task for task in asyncio.all_tasks() if task is not mine and not is_abandoned(task)
    }
    for task in leftovers:
        task.cancel()
    if leftovers:
        await asyncio.wait(leftovers, timeout=LEFTOVER_GRACE)
    with suppress(TimeoutError):
        async with asyncio.timeout(LEFTOVER_GRACE):
            await asyncio.get_running_loop().shutdown_asyncgens()
