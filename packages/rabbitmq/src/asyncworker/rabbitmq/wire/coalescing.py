"""Reads that wait for more, where a part of a batch is of no use."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    import asyncio

WAIT: Final = 0.001
"""Seconds in which what a read waits for should come."""
PATIENCE: Final = 0.002
"""Seconds without a read after which it waits no more."""
FEW: Final = 4
"""Messages that are not worth waiting for."""
MOST: Final = 32_768
"""Bytes that a read waits for, within what the system keeps for a connection."""


class Coalescing:
    """Have the loop woken for many messages at once, while they come fast and batches want them.

    The broker writes a few at a time. To be woken for these takes longer than to read them, and a
    handler of batches has nothing from a part of one. The system waits for so many bytes to be
    there (SO_RCVLOWAT of socket(7)); when they do not come, what is there is read all the same.
    """

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self._sock = sock
        self._loop = loop
        self._least = 1
        self._read_at = 0.0
        self._seen_at = 0.0
        self._watch: asyncio.TimerHandle | None = None

    @classmethod
    def of(cls, transport: asyncio.BaseTransport, loop: asyncio.AbstractEventLoop) -> Self | None:
        """Return that of a transport, or None, where the system knows of no such thing."""
        sock = transport.get_extra_info("socket")
        if sock is None or sys.platform != "linux":
            return None
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        except (OSError, AttributeError):
            return None
        return cls(sock, loop)

    def read(self, size: int, count: int, wanted: int) -> None:
        """Note what a read brought, and say when the next one is due.

        size: its bytes. count: its messages, at least one. wanted: how many more are of use.
        """
        if wanted == self._least == 1:
            return
        now = self._loop.time()
        took, self._read_at = now - self._read_at, now
        # As fast as those came, the next ones will.
        soon = wanted if wanted * took < count * WAIT else int(count * WAIT / took)
        self._wait_for(min(soon * size // count, MOST) if soon > FEW else 1)

    def _wait_for(self, least: int) -> None:
        if least == self._least:
            return
        self._least = least
        try:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, least)
        except OSError:
            # It is closed.
            return
        if least > 1 and self._watch is None:
            self._look_later()

    def _look_later(self) -> None:
        self._seen_at = self._read_at
        self._watch = self._loop.call_later(PATIENCE, self._look)

    def _look(self) -> None:
        """Wait no more, when nothing came for a while."""
        self._watch = None
        if self._read_at == self._seen_at:
            self._wait_for(1)
        elif self._least > 1:
            self._look_later()
