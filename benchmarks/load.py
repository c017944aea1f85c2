"""Load for HTTP servers: each of some connections asks again as soon as it is answered.

It writes ready-made requests and reads no more of an answer than it must, so that the server is
what is busy.
"""

import asyncio
import re
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.messages import USUAL, body, encode
from benchmarks.window import Result

HOST: Final = "127.0.0.1"
CONNECTIONS: Final = 32
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
START_DEADLINE: Final = 30.0


def _request(method: bytes, path: bytes, content: bytes = b"") -> bytes:
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: 127.0.0.1", b"Accept: */*"]
    if content:
        lines += [b"Content-Type: application/json", b"Content-Length: %d" % len(content)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + content


REQUESTS: Final = {
    "plain": _request(b"GET", b"/"),
    "path": _request(b"GET", b"/orders/12345"),
    "json": _request(b"POST", b"/orders", encode(body(USUAL))),
}
CPU: Final = _request(b"GET", b"/cpu")


class UnexpectedAnswer(Exception):
    """Report a server that does not do what all are asked to do."""


@dataclass
class Budget:
    """Say how many requests are still to be sent and answered."""

    to_send: int
    to_come: int
    done: asyncio.Future[None]


class Connection(asyncio.Protocol):
    """Ask one question at a time; `last` is the content of the last answer."""

    def __init__(self, request: bytes, budget: Budget) -> None:
        self._request = request
        self._budget = budget
        self._buffer = b""
        self.last = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask first."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Take an answer; ask again when it is complete."""
        self._buffer += data
        head, found, content = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200") or length is None:
            self._fail(UnexpectedAnswer(f"{self._request!r} was answered {self._buffer!r}"))
        elif len(content) >= int(length[1]):
            self._buffer = b""
            self.last = content
            self._answered()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail, unless all is done."""
        self._fail(exc or ConnectionError("the server closed a connection"))

    def _ask(self) -> None:
        if self._budget.to_send:
            self._budget.to_send -= 1
            self._transport.write(self._request)

    def _answered(self) -> None:
        self._budget.to_come -= 1
        if self._budget.to_come:
            self._ask()
        elif not self._budget.done.done():
            self._budget.done.set_result(None)

    def _fail(self, error: Exception) -> None:
        if not self._budget.done.done():
            self._budget.done.set_exception(error)


async def ask(port: int, request: bytes, count: int, connections: int) -> bytes:
    """Send a request many times; return the content of an answer."""
    loop = asyncio.get_running_loop()
    budget = Budget(count, count, loop.create_future())
    opened = [
        await loop.create_connection(lambda: Connection(request, budget), HOST, port)
        for _ in range(connections)
    ]
    try:
        await budget.done
    finally:
        for transport, _ in opened:
            transport.close()
    return next(connection.last for _, connection in opened if connection.last)


async def measure(port: int, kind: str, warmup: int, count: int) -> Result:
    """Return what `count` requests of a kind took of the server.

    kind: plain, path or json.
    """
    await _wait_for_server(port)
    request = REQUESTS[kind]
    await ask(port, request, warmup, CONNECTIONS)
    cpu, wall = await _cpu(port), time.monotonic()
    await ask(port, request, count, CONNECTIONS)
    return {
        "messages": count,
        "wall": time.monotonic() - wall,
        "cpu": await _cpu(port) - cpu,
    }


async def _cpu(port: int) -> float:
    return float(await ask(port, CPU, 1, 1))


async def _wait_for_server(port: int) -> None:
    async with asyncio.timeout(START_DEADLINE):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
