"""The processes of one parent, which share its signals and their listening sockets."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Self

from asyncworker.errors import AsyncWorkerError
from asyncworker.logs import json_logging
from asyncworker.logs.records import show_process
from asyncworker.plural import counted
from asyncworker.processes.parent_socket import received
from asyncworker.running.signals import STOP_SIGNALS, name_of_signal

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from asyncworker.processes.parent_socket import Descriptors
    from asyncworker.settings import Settings

log = logging.getLogger(__name__)

KILLED: Final = 128
"""What a shell adds to the number of the signal that killed a process."""
STOPPED: Final = tuple(-number for number in STOP_SIGNALS)
"""How a process ends that a stop signal killed."""


def supervise(
    arguments: Sequence[str], settings: Settings, keep: Callable[[Children], Awaitable[int]]
) -> int:
    """Run `keep` with processes of these arguments, and return its exit code.

    settings: how it logs meanwhile.

    Raises: AsyncWorkerError, where processes cannot be supervised.
    """
    if os.name != "posix":
        raise AsyncWorkerError("--workers and --reload need Linux, macOS or another POSIX system")
    show_process()
    with json_logging(settings.loglevel, log_format=settings.log_format):
        return asyncio.run(_minded(arguments, keep))


async def _minded(arguments: Sequence[str], keep: Callable[[Children], Awaitable[int]]) -> int:
    with Children(arguments).minded() as children:
        return await keep(children)


class Children:
    """Start processes of one app.

    arguments: those of `asyncworker` for each of them. started: set when one of them takes work.
    stopping: set by the first stop signal, which is passed on, as is every further one.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.started = asyncio.Event()
        self.stopping = asyncio.Event()
        self._arguments = arguments
        self._alive: set[Child] = set()
        self._signals: list[signal.Signals] = []
        self._sockets = SharedSockets()

    @contextmanager
    def minded(self) -> Iterator[Self]:
        """Pass signals on while the context lasts."""
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._pass_on, number)
        try:
            yield self
        finally:
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)
            self._sockets.close()

    async def start(self, *arguments: str) -> Child:
        """Start one process more.

        arguments: those that it alone has.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            process = await self._spawn(theirs.fileno(), arguments)
        child = Child(process, ours, self._on_started)
        self._alive.add(child)
        for number in self._signals:
            # They came while the process was on its way.
            child.send(number)
        log.info("started process %d", child.pid)
        return child

    async def end_of(self, child: Child) -> int:
        """Wait until a process has ended, and return its exit code the way a shell does."""
        code = await child.ended()
        self._alive.discard(child)
        if code in STOPPED and self._was_idle(child):
            return 0
        if code < 0:
            log.error("process %d was killed by %s", child.pid, name_of_signal(-code))
            return KILLED - code
        if code and self.started.is_set():
            # Before any has started, what it wrote itself is enough.
            log.error("process %d ended with exit code %d", child.pid, code)
        return code

    def _was_idle(self, child: Child) -> bool:
        """Tell whether a stop signal that killed a process found it before its run, or behind it.

        Within its run a process minds signals, and one more of them does not kill it.
        """
        return self.stopping.is_set() and (not child.started.is_set() or len(self._signals) == 1)

    async def _spawn(self, end: int, arguments: Sequence[str]) -> Process:
        # A group of its own: what a terminal sends to all, as by Ctrl-C, comes through the parent
        # alone, or each process would take it for a second signal.
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "asyncworker",
            *self._arguments,
            *arguments,
            f"--parent-socket={end}",
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=(end, *self._sockets.descriptors),
            process_group=0,
            env={**os.environ, **self._sockets.variables},
        )

    def _on_started(self, sockets: Descriptors) -> None:
        self.started.set()
        self._sockets.take(sockets)
        if self.stopping.is_set():
            self._sockets.close()

    def _pass_on(self, number: signal.Signals) -> None:
        processes = counted(len(self._alive), "process", "processes")
        log.info("%s: passing it on to %s", number.name, processes)
        self._signals.append(number)
        self.stopping.set()
        # Clients are refused from now on, when the processes do not listen any more.
        self._sockets.close()
        for child in self._alive:
            child.send(number)


class Child:
    """Hold one process.

    on_started: called with its sockets when its app takes work. started: set then. worn: set when
    it says that another process is to take its place. is_replaced: whether it was told to go then.
    """

    def __init__(
        self, process: Process, end: socket.socket, on_started: Callable[[Descriptors], None]
    ) -> None:
        self.started = asyncio.Event()
        self.worn = asyncio.Event()
        self.is_replaced = False
        self.pid = process.pid
        self._is_stopping = False
        self._is_leaving = False
        self._process = process
        self._on_started = on_started
        self._socket = end
        self._socket.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(end, self._read)

    def drain(self) -> None:
        """Have it drain and end, for another process to take its place."""
        self.send(signal.SIGTERM)
        self.is_replaced = self._is_leaving = True

    def send(self, number: int) -> None:
        """Send it a signal, unless it has ended; any but the first in words.

        It could not tell a second one from the first, where that was sent to it as well.
        """
        if self._is_leaving:
            # The first signal to all asks for what it does already.
            self._is_leaving = False
            return
        with suppress(OSError):
            if self._is_stopping:
                self._socket.send(bytes([number]))
            else:
                self._is_stopping = True
                self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait until it has ended."""
        try:
            return await self._process.wait()
        finally:
            # What it said last may still be there.
            self._read()
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _read(self) -> None:
        said = received(self._socket)
        if said is None:
            self._loop.remove_reader(self._socket)
            return
        if said.sockets is not None:
            self.started.set()
            self._on_started(said.sockets)
        if said.is_worn:
            self.worn.set()


class SharedSockets:
    """Hold what the first process listens on, for all others to listen there too."""

    def __init__(self) -> None:
        self._held: Descriptors = {}

    @property
    def descriptors(self) -> list[int]:
        """Return what a process has to inherit."""
        return [one for sockets in self._held.values() for one in sockets]

    @property
    def variables(self) -> Mapping[str, str]:
        """Return what tells a process of them."""
        return {name: ",".join(map(str, sockets)) for name, sockets in self._held.items()}

    def take(self, descriptors: Descriptors) -> None:
        """Hold these in place of those held so far, which are the same sockets or unused."""
        self.close()
        self._held = descriptors

    def close(self) -> None:
        """Hold none."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self._held = {}
