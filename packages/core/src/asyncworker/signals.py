"""SIGINT and SIGTERM, for the length of a run."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
WAKE_BYTES: Final = 4096


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
def woken_by_signals(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Have a signal wake the loop up, even one that comes as the loop is about to sleep.

    Python runs a handler between two of its own steps, and a sleeping loop takes none.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waking, woken = socket.socketpair()
    with waking, woken:
        for end in (waking, woken):
            end.setblocking(False)
        loop.add_reader(woken, woken.recv, WAKE_BYTES)
        previous = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(previous)
            loop.remove_reader(woken)
