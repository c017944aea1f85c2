"""SIGINT and SIGTERM, for the length of a run."""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
WAKE_BYTES: Final = 4096


def name_of_signal(number: int) -> str:
    """Return what a signal is called; most real-time signals have but a number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Repeats:
    """Tell which signals count after the first one: all of them, unless a parent says so of each.

    What a service manager sends to every process of a unit, a process gets once more from its
    parent. It must not take that for a second signal, by which somebody wants an end at once.
    """

    def __init__(self) -> None:
        self._said: SimpleQueue[int] | None = None

    @property
    def are_said(self) -> bool:
        """Tell whether a parent says which signals count."""
        return self._said is not None

    def follow_parent(self) -> None:
        """Count from now on what `say()` is told, and nothing else."""
        self._said = SimpleQueue()

    def say(self, number: int) -> None:
        """Have a signal handled that counts, from any thread."""
        if self._said is not None:
            self._said.put(number)
        os.kill(os.getpid(), number)

    def take(self) -> Iterator[int]:
        """Yield what was said since the last time."""
        with suppress(Empty):
            while self._said is not None:
                yield self._said.get_nowait()


repeats: Final = Repeats()
"""Those of this process."""


@contextmanager
def stop_signals(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Give SIGINT and SIGTERM to `handler` for a while; outside the main thread, change nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_first = True

    def take(number: int, frame: Any) -> None:
        nonlocal is_first
        counts, is_first = is_first or not repeats.are_said, False
        if counts:
            handler(number, frame)
        # Signals that come together are one.
        for said in repeats.take():
            handler(said, frame)

    previous = {number: signal.signal(number, take) for number in STOP_SIGNALS}
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

        def wake() -> None:
            """Take a step, as a function of the library would not be."""
            woken.recv(WAKE_BYTES)

        loop.add_reader(woken, wake)
        previous = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(previous)
            loop.remove_reader(woken)
