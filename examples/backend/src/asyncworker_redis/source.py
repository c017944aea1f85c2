"""RedisSource: one consumer of a group, as long as it is open."""

from __future__ import annotations

import os
import socket
from collections import defaultdict
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import uuid4

from redis.exceptions import ResponseError

from asyncworker.options import Actions
from asyncworker_redis.connection import FAILURES
from asyncworker_redis.message import BODY, CONTENT_TYPE, message_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncworker.polling import PolledMessage
    from asyncworker_redis.message import RedisMessage
    from asyncworker_redis.route import RedisRoute

BLOCK: Final = 0.5
"""Seconds that Redis waits for an entry before it says that there is none."""
CLAIM_EVERY: Final = 1.0
"""Seconds from one look for what nobody settles to the next."""
START: Final = b"0-0"
NOBODY: Final = "nobody"
"""The consumer that holds what was put back, until another one claims it."""


class RedisSource:
    """Read the streams of a route as a consumer of its group."""

    def __init__(self, route: RedisRoute) -> None:
        self._streams = route.routes
        self._group = route.group
        self._dead = route.dead
        self._consumer = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
        self._idle = int(route.connection.claim_after * 1000)
        self.keep_every: float | None = route.connection.claim_after / 3
        self._redis: Any = route.connection.client()
        self._claims_at = 0.0
        self._is_answered = True
        self._claimed_up_to = dict.fromkeys(self._streams, START)

    async def __aenter__(self) -> Self:
        """Make the group where it is missing: it begins with the oldest entry of a stream."""
        try:
            for stream in self._streams:
                await self._join(stream)
        except BaseException:
            await self._redis.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            # What was asked and not answered may yet give it a message.
            for stream in self._streams if self._is_answered else ():
                with suppress(*FAILURES):
                    await self._leave(stream)
        finally:
            await self._redis.aclose()

    async def read(self, count: int) -> list[RedisMessage[Any]]:
        """Return what others do not settle, or else what is new, waiting a moment for that."""
        self._is_answered = False
        count = max(1, count // len(self._streams))
        messages = await self._claim(count) or await self._read_new(count)
        self._is_answered = True
        return messages

    async def settle(self, outcome: Actions, messages: Sequence[PolledMessage[Any]]) -> None:
        """Acknowledge messages, after a copy to the dead stream; or let them be claimed."""
        if outcome is Actions.REJECT and self._dead is not None:
            for message in messages:
                await self._redis.xadd(self._dead, _fields(message))
        for stream, ids in _ids(messages).items():
            if outcome is Actions.REQUEUE:
                await self._hand_to(NOBODY, stream, ids, self._idle)
            else:
                await self._redis.xack(stream, self._group, *ids)

    async def keep(self, messages: Sequence[PolledMessage[Any]]) -> None:
        """Have the time begin anew after which messages may be claimed."""
        for stream, ids in _ids(messages).items():
            await self._hand_to(self._consumer, stream, ids, 0)

    async def _read_new(self, count: int) -> list[RedisMessage[Any]]:
        new = dict.fromkeys(self._streams, ">")
        found = await self._redis.xreadgroup(
            self._group, self._consumer, new, count=count, block=int(BLOCK * 1000)
        )
        return [message_of(stream, entry) for stream, entries in found for entry in entries]

    async def _claim(self, count: int) -> list[RedisMessage[Any]]:
        messages: list[RedisMessage[Any]] = []
        if monotonic() < self._claims_at:
            return messages
        self._claims_at = monotonic() + CLAIM_EVERY
        for stream, start in self._claimed_up_to.items():
            self._claimed_up_to[stream], entries, _ = await self._redis.xautoclaim(
                stream, self._group, self._consumer, self._idle, start, count
            )
            messages += [message_of(stream, entry, redelivered=True) for entry in entries]
        return messages

    async def _hand_to(self, consumer: str, stream: str, ids: list[str], idle: int) -> None:
        # It counts no delivery (XCLAIM, JUSTID); what was acknowledged meanwhile is left out.
        await self._redis.xclaim(stream, self._group, consumer, 0, ids, idle=idle, justid=True)

    async def _join(self, stream: str) -> None:
        try:
            await self._redis.xgroup_create(stream, self._group, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def _leave(self, stream: str) -> None:
        """Remove the consumer, unless it has something that would be removed with it."""
        mine = await self._redis.xpending_range(stream, self._group, "-", "+", 1, self._consumer)
        if not mine:
            await self._redis.xgroup_delconsumer(stream, self._group, self._consumer)


def _ids(messages: Sequence[PolledMessage[Any]]) -> dict[str, list[str]]:
    """Return the ids of messages, by stream."""
    ids: defaultdict[str, list[str]] = defaultdict(list)
    for message in messages:
        ids[message.name].append(message.id)
    return ids


def _fields(message: PolledMessage[Any]) -> dict[str, Any]:
    """Return a message as an entry again, which says where it was."""
    said = {} if message.content_type is None else {CONTENT_TYPE: message.content_type}
    was = {"stream": message.name, "id": message.id}
    return {**message.headers, **was, **said, BODY: message.raw_body}
