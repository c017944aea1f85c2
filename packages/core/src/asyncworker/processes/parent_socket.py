"""The socket between a supervised process and its parent.

The child says by it that it has started, and on which sockets it listens, and when another process
is to take its place; the parent, which further signals it passes on. Its end tells the child that
the parent is gone.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from asyncworker.backend import Sharing, load_backend
from asyncworker.route_types import RouteTypes
from asyncworker.running.monitoring import has_port
from asyncworker.running.signals import repeats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asyncworker.app import App

MAX_SIZE: Final = 65_536
MAX_SOCKETS: Final = 64
"""The most bytes and descriptors of what a child says."""
ORPHAN_GRACE: Final = 30.0
"""Seconds beyond the drain that a process has to end by itself when its parent is gone."""

WORN: Final = b"worn"
"""What a child says that is to be replaced."""

Descriptors = dict[str, list[int]]


class Said(NamedTuple):
    """Hold what a child says. sockets: where it listens, once it has started."""

    sockets: Descriptors | None
    is_worn: bool


class ParentSocket:
    """Hold the child's end."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        # It was passed on to this process, and goes no further.
        self._socket.set_inheritable(False)

    def end_with_parent(self, drain: float) -> None:
        """Have this process drain and end when its parent is gone, and follow it until then.

        drain: seconds that it may take.
        """
        repeats.follow_parent()
        threading.Thread(
            target=self._watch,
            args=[drain + ORPHAN_GRACE],
            name="asyncworker-parent",
            daemon=True,
        ).start()

    def announce(self, app: App) -> None:
        """Tell the parent when the app has started."""
        app.started_hooks.append(self._announce_start)

    def ask_for_successor(self) -> None:
        """Tell the parent that this process is to be replaced."""
        with suppress(OSError):
            # Without a parent, the app is about to end anyway.
            self._socket.sendall(WORN + b"\n")

    def _announce_start(self, app: App) -> None:
        shared: dict[str, Sequence[int]] = {}
        monitor = {RouteTypes.HTTP} if has_port(app) else set()
        for route_type in {route.type for route in app.routes} | monitor:
            backend = load_backend(route_type)
            if isinstance(backend, Sharing):
                shared |= backend.shared(app)
        with suppress(OSError):
            # Without a parent, the app is about to end anyway.
            _send(self._socket, shared)

    def _watch(self, limit: float) -> None:
        with suppress(OSError):
            while said := self._socket.recv(1):
                repeats.say(said[0])
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(limit)
        # A handler that blocks the event loop keeps it from seeing the signal.
        os._exit(1)


def _send(end: socket.socket, shared: Mapping[str, Sequence[int]]) -> None:
    counts = json.dumps({variable: len(sockets) for variable, sockets in shared.items()}).encode()
    descriptors = [one for sockets in shared.values() for one in sockets]
    if descriptors:
        socket.send_fds(end, [counts, b"\n"], descriptors)
    else:
        end.sendall(counts + b"\n")


def received(end: socket.socket) -> Said | None:
    """Return what a child says, with descriptors that are now the caller's; None at the end."""
    try:
        data, descriptors, _, _ = socket.recv_fds(end, MAX_SIZE, MAX_SOCKETS)
    except OSError:
        return None
    if not data:
        return None
    *lines, _ = data.split(b"\n")
    counts = [json.loads(line) for line in lines if line != WORN]
    left = iter(descriptors)
    sockets = {
        name: [next(left) for _ in range(count)] for one in counts for name, count in one.items()
    }
    return Said(sockets if counts else None, WORN in lines)
