"""Keys as they are pressed, without a line that ends."""

from __future__ import annotations

import os
import select
import sys
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def keys() -> Iterator[Callable[[float], bytes]]:
    """Offer a function that waits so many seconds for a key, and returns it, or nothing.

    The terminal is as before when the context ends.
    """
    if not sys.stdin.isatty():
        yield _none
        return
    # Where there is none, there are no such terminals.
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    try:
        yield partial(_next, terminal)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _none(seconds: float) -> bytes:
    time.sleep(seconds)
    return b""


def _next(terminal: int, seconds: float) -> bytes:
    ready, _, _ = select.select([terminal], [], [], seconds)
    return os.read(terminal, 1) if ready else b""
