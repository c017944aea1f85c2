"""One stream, kept open: connect, resume, back off."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from asyncworker.backoff import Backoff
from asyncworker.sse.errors import (
    EventTooLarge,
    StreamEnded,
    StreamError,
    StreamOver,
    stream_errors,
)
from asyncworker.sse.headers import can_be_sent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import ClientSession, StreamReader

    from asyncworker.sse.decoder import Decoder
    from asyncworker.sse.endpoint import Endpoint
    from asyncworker.sse.event import SSEEvent
    from asyncworker.sse.status import Status

FIRST_DELAY: Final = 0.5
MAX_DELAY: Final = 30.0
"""Seconds between two attempts, at first and at the most."""
MAX_RETRY: Final = 30.0
"""Seconds of a server's `retry` that are respected."""
HEALTHY_AFTER: Final = 5.0
"""Seconds that a stream must last for the next loss to be a new one, not one of a series."""
SPREAD: Final = 1.2
"""How many times what a server asks for is waited, at the most, lest all clients come at once."""
READ_SIZE: Final = 4096
"""Bytes that are decoded at a time: what is not decoded yet need not be handled at the end."""


class Client:
    """Read one stream for ever.

    take: is given the events of each read, and waited for before the next. resume_after: the id of
    the event behind which it begins; "" for what the server sends first.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        session: ClientSession,
        decoder: Decoder,
        take: Callable[[list[SSEEvent]], Awaitable[None]],
        status: Status,
        resume_after: str = "",
    ) -> None:
        self._endpoint = endpoint
        self._session = session
        self._decoder = decoder
        self._take = take
        self._status = status
        self._backoff = Backoff(FIRST_DELAY, MAX_DELAY)
        # It counts for all events until the server says another one.
        decoder.last_event_id = self._resume_after = resume_after
        decoder.restart()

    async def run(self) -> None:
        """Read until cancelled, or until the server ends the stream for good."""
        while True:
            try:
                await self._read_stream()
            except StreamOver as end:
                self._status.over(end)
                return
            except StreamError as error:
                self._status.lost(error)
                await self._pause(error.retry_after)

    async def _read_stream(self) -> None:
        """Connect, and read to the end, which is always an error."""
        async with self._endpoint.opened(self._session, self._resume_after) as content:
            self._status.connected()
            clock = asyncio.get_running_loop().time
            began = clock()
            try:
                await self._read(content)
            finally:
                self._decoder.restart()
                if clock() - began > HEALTHY_AFTER:
                    self._backoff.reset()

    async def _read(self, content: StreamReader) -> None:
        count = 0
        while chunk := await self._next(content):
            count += await self._decode(chunk)
        if count and self._decoder.retry is not None:
            # It ends each stream after its events, and says itself when to come back.
            self._backoff.reset()
        raise StreamEnded("the server ended the stream")

    async def _next(self, content: StreamReader) -> bytes:
        """Return the next bytes, or b"" at the end."""
        try:
            with stream_errors("nothing came for too long (read_timeout)"):
                return await content.read(READ_SIZE)
        except StreamError:
            rest = _unread(content)
            for start in range(0, len(rest), READ_SIZE):
                await self._decode(rest[start : start + READ_SIZE])
            raise

    async def _decode(self, chunk: bytes) -> int:
        """Have the events taken that these bytes complete, and return how many they are."""
        try:
            events = self._decoder.feed(chunk)
        except EventTooLarge as error:
            await self._take(error.events)
            raise
        finally:
            self._remember(self._decoder.last_event_id)
        await self._take(events)
        return len(events)

    def _remember(self, last_event_id: str) -> None:
        """Go on after this event next time; after the one before, where no request can say it."""
        if last_event_id is not self._resume_after and can_be_sent(last_event_id):
            self._resume_after = last_event_id

    async def _pause(self, retry_after: float) -> None:
        """Wait as long as the backoff says, and no less than the server asked for."""
        retry = min((self._decoder.retry or 0) / 1000, MAX_RETRY)
        asked = max(retry, retry_after) * random.uniform(1.0, SPREAD)  # noqa: S311 (no secret)
        await asyncio.sleep(max(self._backoff.delay(), asked))


def _unread(content: StreamReader) -> bytes:
    """Return what had come before a stream broke off; the library itself would forget it."""
    rest = bytearray()
    with suppress(AttributeError):
        # Nothing of the library's public interface gets at it. Without it, a stream that has ids
        # is still resumed where the decoded events end.
        while chunk := content._read_nowait(-1):  # noqa: SLF001
            rest += chunk
    return bytes(rest)
