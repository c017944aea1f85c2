"""Publishing more, and faster, than a client library can."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pamqp.frame
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.header import ContentHeader, ProtocolHeader

from tests.faults.ledger import Ledger
from tests.faults.waiting import LIMIT

CHANNEL = 1
READ_SIZE = 2**16


class Flood:
    """Publish numbers to a queue, all in flight at once.

    The messages are transient: this is for drills that leave the broker alone.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._received = b""
        self._unconfirmed: dict[int, str] = {}
        self._published = 0

    @classmethod
    @asynccontextmanager
    async def to(cls, url: str) -> AsyncIterator["Flood"]:
        """Offer a channel with confirms, on a connection of its own."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        flood = cls(reader, writer)
        try:
            await flood._open(f"\0{parts.username}\0{parts.password}")
            yield flood
        finally:
            writer.close()

    async def publish(self, queue: str, numbers: range, ledger: Ledger) -> None:
        """Publish numbers, which are id and body, and wait until all are confirmed."""
        ids = [str(number) for number in numbers]
        ledger.attempted.update(ids)
        frames = bytearray()
        for message_id in ids:
            self._published += 1
            self._unconfirmed[self._published] = message_id
            body = message_id.encode()
            frames += _head(queue, len(body)) + pamqp.frame.marshal(ContentBody(body), CHANNEL)
        self._writer.write(frames)
        async with asyncio.timeout(LIMIT):
            while self._unconfirmed:
                self._confirm(await self._next(commands.Basic.Ack), ledger)

    def _confirm(self, ack: commands.Basic.Ack, ledger: Ledger) -> None:
        first = next(iter(self._unconfirmed)) if ack.multiple else ack.delivery_tag
        for tag in range(first, ack.delivery_tag + 1):
            if tag in self._unconfirmed:
                ledger.confirmed.add(self._unconfirmed.pop(tag))

    async def _open(self, login: str) -> None:
        self._writer.write(ProtocolHeader().marshal())
        await self._next(commands.Connection.Start)
        self._send(commands.Connection.StartOk(mechanism="PLAIN", response=login), 0)
        tune = await self._next(commands.Connection.Tune)
        self._send(commands.Connection.TuneOk(tune.channel_max, tune.frame_max, 0), 0)
        self._send(commands.Connection.Open(), 0)
        await self._next(commands.Connection.OpenOk)
        self._send(commands.Channel.Open())
        await self._next(commands.Channel.OpenOk)
        self._send(commands.Confirm.Select())
        await self._next(commands.Confirm.SelectOk)

    def _send(self, frame: Any, channel: int = CHANNEL) -> None:
        self._writer.write(pamqp.frame.marshal(frame, channel))

    async def _next(self, expected: type) -> Any:
        """Return the next frame, which is of the type expected."""
        while (parsed := _frame(self._received)) is None:
            data = await self._reader.read(READ_SIZE)
            assert data, "the broker ended the connection"
            self._received += data
        size, frame = parsed
        self._received = self._received[size:]
        assert isinstance(frame, expected), f"got {frame!r}"
        return frame


def _frame(received: bytes) -> tuple[int, Any] | None:
    try:
        size, _, frame = pamqp.frame.unmarshal(received)
    except pamqp.exceptions.UnmarshalingException:
        return None
    return size, frame


@cache
def _head(queue: str, size: int) -> bytes:
    """Return what goes before a body."""
    publish = commands.Basic.Publish(exchange="", routing_key=queue)
    header = ContentHeader(body_size=size, properties=commands.Basic.Properties())
    return b"".join(pamqp.frame.marshal(frame, CHANNEL) for frame in (publish, header))
