"""Look from outside: which ports are free, what answers there, and wait until it does."""

import random
import re
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

HOST = "127.0.0.1"
DEADLINE = 60.0
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
CONNECTION_START = b"\x00\x0a\x00\x0a"
VERSION = re.compile(rb"\x07versionS....([0-9.]+)", re.DOTALL)


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
        return _greeting(HOST, port, 1).startswith(CONNECTION_START)
    except OSError:
        return False


def version_of(url: str) -> tuple[int, ...]:
    """Return the version that a broker tells before anybody logs in (AMQP 0-9-1, 1.4.2.1).

    Raises: OSError
    """
    parts = urlsplit(url)
    host, port = parts.hostname or HOST, parts.port or 5672
    found = VERSION.search(_greeting(host, port, DEADLINE))
    if found is None:
        raise ConnectionError(f"{host}:{port} greets without a version")
    return tuple(map(int, found[1].split(b".")))


def _greeting(host: str, port: int, timeout: float) -> bytes:
    """Return the method with which a broker answers the protocol header."""
    with socket.create_connection((host, port), timeout) as client, client.makefile("rb") as answer:
        client.sendall(PROTOCOL_HEADER)
        # A frame: type, channel, size, payload, end (AMQP 0-9-1, 4.2.3).
        return answer.read(int.from_bytes(answer.read(7)[3:], "big"))
