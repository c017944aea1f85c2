"""Give a command, or a test, a RabbitMQ to talk to.

python scripts/broker.py CMD ARGS... runs CMD with ASYNCWORKER_AMQP_URL set: to the broker that
the variable names already, else to a private one that is gone when CMD ends.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from scripts import apt
from scripts.rabbitmq import HOST, Broker, BrokerError
from scripts.rabbitmq_container import Container, find_engine
from scripts.rabbitmq_node import Node, find_server

VARIABLE = "ASYNCWORKER_AMQP_URL"
MISSING = (
    f"no RabbitMQ here: install rabbitmq-server, start docker or podman, or set {VARIABLE} "
    "to a broker's address, for example amqp://guest:guest@127.0.0.1:5672/"
)
USAGE = "usage: python scripts/broker.py CMD [ARGS...]"
POLICY = Path("/usr/sbin/policy-rc.d")


@contextmanager
def broker() -> Iterator[str]:
    """Yield the address of a broker: the one that ASYNCWORKER_AMQP_URL names, else a private one.

    Raises: BrokerError, when there is none and none can be had.
    """
    if url := os.environ.get(VARIABLE):
        yield url
        return
    private = private_broker()
    say(f"starting a private RabbitMQ on {HOST}:{private.port} ...")
    with private:
        say("RabbitMQ is ready")
        yield private.url


def private_broker(config: str = "") -> Broker:
    """Return a broker of our own, not started: a node, installed first if need be, or a container.

    Raises: BrokerError, when neither can be had.
    """
    if find_server() or _install():
        return Node(config)
    engine = find_engine()
    if engine is None:
        raise BrokerError(MISSING)
    return Container(engine, config)


def say(line: str) -> None:
    """Print a line for whoever waits; stdout is the command's own."""
    print(f"broker: {line}", file=sys.stderr, flush=True)


def _install() -> bool:
    """Install the server with apt-get, where that needs nobody's password."""
    if not apt.is_at_hand():
        return False
    say("installing rabbitmq-server with apt-get ...")
    with _no_service():
        installed = apt.install("rabbitmq-server")
    if not installed:
        say("apt-get could not install rabbitmq-server")
    return installed and find_server() is not None


@contextmanager
def _no_service() -> Iterator[None]:
    """Keep the package from starting a system-wide server (invoke-rc.d(8), POLICY)."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


class Signals:
    """Hand the signals of this process to the command that it runs.

    Ctrl-C and a closed terminal reach the command without help, so only SIGTERM is passed on.
    """

    def __init__(self) -> None:
        self._launching = False
        self._early: list[int] = []
        self._child: subprocess.Popen[bytes] | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # What is ignored already, as by nohup, stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)

    def launch(self, command: list[str], url: str) -> subprocess.Popen[bytes]:
        """Start the command."""
        self._launching = True
        self._child = subprocess.Popen(command, env=os.environ | {VARIABLE: url})
        for number in self._early:
            self._child.send_signal(number)
        return self._child

    def ignore(self) -> None:
        """Let nothing interrupt the clean-up, which is short."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._child is not None:
            if number == signal.SIGTERM:
                self._child.send_signal(number)
        elif self._launching:
            self._early.append(number)
        else:
            self.ignore()
            raise SystemExit(128 + number)


def run(command: list[str]) -> int:
    """Run the command with a broker; return its exit code, as a shell would."""
    signals = Signals()
    with broker() as url:
        try:
            code = signals.launch(command, url).wait()
        except (FileNotFoundError, PermissionError) as error:
            say(f"cannot run {command[0]!r}: {error.strerror}")
            return 127
        finally:
            signals.ignore()
    return code if code >= 0 else 128 - code


def main(command: list[str]) -> int:
    """Run the command; say in one line why it cannot be run."""
    if not command:
        say(USAGE)
        return 2
    try:
        return run(command)
    except BrokerError as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
