"""Run a command that leaves nothing: no process, no mount.

It runs in namespaces of its own (unshare(1)). The first process in there is this file, run as a
program: it ends with the command, or with whoever asked for it, and the kernel then ends the rest.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import IO

UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--mount-proc")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def is_possible() -> bool:
    """Tell whether this machine lets us have namespaces."""
    try:
        return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def run(
    command: Sequence[str], environment: dict[str, str], output: IO[bytes] | None = None
) -> int:
    """Run the command; return its exit code, as a shell would."""
    read, write = os.pipe()
    with _passing_on(write):
        process = subprocess.Popen(
            [*UNSHARE, sys.executable, __file__, str(read), *command],
            env=environment,
            stdout=output,
            stderr=output,
            pass_fds=[read],
        )
        os.close(read)
        code = process.wait()
    os.close(write)
    return code if code >= 0 else 128 - code


@contextmanager
def _passing_on(write: int) -> Iterator[None]:
    """Write SIGTERM to the pipe. Ctrl-C and a closed terminal reach the command without help."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda number, _: os.write(write, bytes([number])))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _relay(read: int, pid: int) -> None:
    """Send the command what comes through the pipe, which ends when its writer does."""
    while number := os.read(read, 1):
        os.kill(pid, number[0])
    os._exit(128 + signal.SIGKILL)


def _first_process(read: int, command: list[str]) -> int:
    # A handler, unlike SIG_IGN, is not inherited by the command.
    for number in SIGNALS:
        signal.signal(number, lambda *_: None)
    child = subprocess.Popen(command)
    Thread(target=_relay, args=(read, child.pid), daemon=True).start()
    # What others left behind is ours to reap.
    while (ended := os.wait())[0] != child.pid:
        pass
    code = os.waitstatus_to_exitcode(ended[1])
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(_first_process(int(sys.argv[1]), sys.argv[2:]))
