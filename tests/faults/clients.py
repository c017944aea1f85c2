"""A worker's HTTP from outside: what clients send, byte by byte, and what they get."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.faults.ledger import Ledger
from tests.faults.waiting import INTERVAL, LIMIT

CHUNK = 64 * 1024
CLOSE = "Connection: close"
LENGTH = re.compile(r"Content-Length: (\d+)")
NO_ANSWER = 0
"""The status that a client gets whose connection is closed without a word."""
STATUS_LINE = re.compile(r"HTTP/1\.[01] (\d{3}) ")


def request(target: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """Return the bytes of a request."""
    lines = (f"{method} {target} HTTP/1.1", "Host: worker", *headers)
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode() + body


class Clients:
    """Send requests, each over a connection of its own, and enter them into the ledger.

    A request counts as confirmed when all of it is sent, and as handled when it got what it was
    promised.
    """

    def __init__(self, port: int, ledger: Ledger) -> None:
        self._port = port
        self._ledger = ledger
        self._count = 0

    async def send(self, data: bytes, promised: int) -> str:
        """Send bytes, and return all that comes until the worker closes the connection.

        promised: the status of the one answer, or NO_ANSWER.
        """
        async with self._connection(str(promised)) as (name, reader, writer):
            writer.write(data)
            await writer.drain()
            self._ledger.confirmed.add(name)
            answer = await _all(reader)
        if _statuses(answer) == ([] if promised == NO_ANSWER else [promised]):
            self._ledger.handled[name] += 1
        return answer

    async def send_hostile(self, data: bytes, *, is_cut: bool) -> str:
        """Send a request that must do no harm: a 2xx or 4xx answers it, unless its end is cut."""
        async with self._connection("2xx or 4xx") as (name, reader, writer):
            # Whoever is refused early cannot send all.
            with suppress(ConnectionError):
                writer.write(data)
                if is_cut:
                    writer.write_eof()
                await writer.drain()
            self._ledger.confirmed.add(name)
            answer = await _one(reader)
        statuses = _statuses(answer)
        if all(status // 100 in (2, 4) for status in statuses) and (is_cut or len(statuses) == 1):
            self._ledger.handled[name] += 1
        return answer

    async def get(self, number: int) -> None:
        """Ask for a number as a client does that wants no harm."""
        answer = await self.send(request(f"/numbers/{number}", CLOSE), 200)
        assert answer.endswith(f'\r\n\r\n{{"number":{number}}}'), answer

    @asynccontextmanager
    async def others(self) -> AsyncIterator[None]:
        """Have a client ask for one number after the other meanwhile, and once before and after."""
        ended = asyncio.Event()
        await self.get(0)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._get_until(ended))
            try:
                yield
            finally:
                ended.set()

    @asynccontextmanager
    async def _connection(
        self, promised: str
    ) -> AsyncIterator[tuple[str, asyncio.StreamReader, asyncio.StreamWriter]]:
        """Connect for one request, which counts as attempted; return its name too."""
        self._count += 1
        name = f"request {self._count}, {promised} promised"
        self._ledger.attempted.add(name)
        async with asyncio.timeout(LIMIT):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                yield name, reader, writer
            finally:
                writer.transport.abort()

    async def _get_until(self, ended: asyncio.Event) -> None:
        number = 0
        while not ended.is_set():
            number += 1
            await self.get(number)
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), INTERVAL)
        await self.get(0)


async def _all(reader: asyncio.StreamReader) -> str:
    data = b""
    # A reset is an end too; what came before it counts.
    with suppress(ConnectionResetError):
        while chunk := await reader.read(CHUNK):
            data += chunk
    return data.decode(errors="replace")


async def _one(reader: asyncio.StreamReader) -> str:
    """Return one answer, or what there is of it; the worker may close later."""
    head = body = b""
    with suppress(ConnectionResetError, asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        if length := LENGTH.search(head.decode(errors="replace")):
            body = await reader.readexactly(int(length[1]))
    return (head + body).decode(errors="replace")


def _statuses(answer: str) -> list[int]:
    return [int(status) for status in STATUS_LINE.findall(answer)]
