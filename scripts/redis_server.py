"""Run Debian's Redis on a free port, with its data in a temporary folder."""

import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from scripts import apt
from scripts.rabbitmq import watchdog
from scripts.rabbitmq.probe import HOST, free_ports, wait_for

PROGRAM: Final = "redis-server"


class RedisMissing(Exception):
    """Report that there is no Redis and none can be had, or that it does not start."""


class RedisNode:
    """Own a Redis, which keeps each write on disk before it is confirmed.

    folder: of its data.
    """

    def __init__(self, program: str, folder: Path) -> None:
        [self._port] = free_ports(1)
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"redis://{HOST}:{self._port}/0"

    def start(self) -> None:
        """Have it answer, with all that it has on disk.

        Raises: RedisMissing
        """
        command = [self._program, "--bind", HOST, "--port", str(self._port)]
        command += ["--dir", str(self._folder), "--save", "", "--appendonly", "yes"]
        command += ["--appendfsync", "always"]
        output = self._folder / "output"
        with output.open("ab") as file:
            process = self._process = subprocess.Popen(
                watchdog.noted(command, self._folder),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        wait_for(lambda: process.poll() is not None or _answers(self._port))
        if process.poll() is not None:
            raise RedisMissing(f"it does not start:\n{output.read_text()}")

    def kill(self) -> None:
        """End it as SIGKILL does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            watchdog.forget(self._process, self._folder)
            self._process = None


def find_or_install() -> str:
    """Return the installed program, which apt-get installs first if need be.

    Raises: RedisMissing
    """
    if shutil.which(PROGRAM) is None and apt.is_at_hand():
        print(f"installing {PROGRAM} with apt-get ...", file=sys.stderr, flush=True)
        apt.install(PROGRAM)
    found = shutil.which(PROGRAM)
    if found is None:
        raise RedisMissing(f"no Redis here: install Debian's package {PROGRAM}, or put it on PATH")
    return found


@contextmanager
def running() -> Iterator[RedisNode]:
    """Run a Redis while the context lasts.

    Raises: RedisMissing
    """
    program = find_or_install()
    folder = Path(tempfile.gettempdir()) / f"redis-{secrets.token_hex(6)}"
    watching = watchdog.watch(folder)
    node = RedisNode(program, folder)
    try:
        node.start()
        yield node
    finally:
        node.kill()
        watching.communicate()


def _answers(port: int) -> bool:
    """Tell whether a Redis answers that has read its data."""
    try:
        with socket.create_connection((HOST, port), 1) as client:
            client.sendall(b"PING\r\n")
            return client.recv(7) == b"+PONG\r\n"
    except OSError:
        return False
