"""Say what a RabbitMQ that a test or a demo owns can do, whatever runs it."""

import random
import re
import socket
import struct
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

HOST = "127.0.0.1"
DEADLINE = 60.0
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
CONNECTION_START = b"\x00\x0a\x00\x0a"


class BrokerError(Exception):
    """Report a broker that cannot be had, or that does not do what it was asked."""


class Broker(ABC):
    """Own one RabbitMQ: its queues survive `stop` and `kill`, and are gone after `close`."""

    port: int

    @property
    def url(self) -> str:
        """Return the address of the default vhost."""
        return f"amqp://guest:guest@{HOST}:{self.port}/"

    def __enter__(self) -> Self:
        """Start, and leave nothing behind when the start fails."""
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add_vhost(self, name: str) -> None:
        """Create a vhost in which guest may do everything."""
        self.ctl("add_vhost", name)
        self.ctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")

    def _no_answer(self, log: str) -> BrokerError:
        tail = "\n".join(log.splitlines()[-60:])
        return BrokerError(f"RabbitMQ did not answer on {HOST}:{self.port}; its log ends:\n{tail}")

    @abstractmethod
    def start(self) -> None:
        """Start, or start again on the same data; return once AMQP clients are answered."""

    @abstractmethod
    def stop(self) -> None:
        """Shut down in good order: clients get a Connection.Close."""

    @abstractmethod
    def kill(self) -> None:
        """Die at once, as in a power cut."""

    @abstractmethod
    def pause(self) -> None:
        """Freeze: connections stay open and nothing answers."""

    @abstractmethod
    def resume(self) -> None:
        """Go on after a `pause`."""

    @abstractmethod
    def ctl(self, *args: str) -> str:
        """Return what `rabbitmqctl ARGS` prints; about a second each."""

    @abstractmethod
    def close(self) -> None:
        """Remove the broker and all its data; more than once does no harm."""


def free_ports(count: int) -> list[int]:
    """Return distinct ports of 127.0.0.1 that nobody listens on.

    They lie below the range from which systems number outgoing connections: a client that
    retries while its broker is down could otherwise be given the broker's own port.
    """
    ports: set[int] = set()
    while len(ports) < count:
        port = random.randrange(20000, 32768)
        if _is_free(port):
            ports.add(port)
    return list(ports)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def wait_for(condition: Callable[[], bool], deadline: float = DEADLINE) -> bool:
    """Poll until the condition holds.

    deadline: seconds. Returns False when it passes first.
    """
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def speaks_amqp(port: int) -> bool:
    """Tell whether the port answers the protocol header with Connection.Start (AMQP 0-9-1, 4.2.2).

    An open port is not enough: a node listens, and a container's proxy accepts, before the
    broker behind it is up.
    """
    try:
        with socket.create_connection((HOST, port), timeout=1) as client:
            client.sendall(PROTOCOL_HEADER)
            return _read(client, 11)[7:] == CONNECTION_START
    except OSError:
        return False


def version_of(url: str) -> tuple[int, ...]:
    """Return the version that a broker tells before anybody logs in (AMQP 0-9-1, 1.4.2.1).

    Raises: OSError
    """
    parts = urlsplit(url)
    address = (parts.hostname or HOST, parts.port or 5672)
    with socket.create_connection(address, timeout=DEADLINE) as client:
        client.sendall(PROTOCOL_HEADER)
        _, _, size = struct.unpack("!BHI", _read(client, 7))
        found = re.search(rb"\x07versionS....([0-9.]+)", _read(client, size), re.DOTALL)
    if found is None:
        raise BrokerError(f"{address[0]}:{address[1]} greets without a version")
    return tuple(map(int, found[1].split(b".")))


def _read(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (chunk := client.recv(size - len(data))):
        data += chunk
    return data
