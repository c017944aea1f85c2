"""Messages on one channel and the broker's answers to them: the hot path out."""

from __future__ import annotations

import asyncio
from contextvars import Context
from itertools import takewhile
from math import inf
from struct import Struct
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.errors import (
    BrokerError,
    Unroutable,
    broker_errors,
    reason_of,
    refusal,
)
from asyncworker.rabbitmq.frames import ACK, RETURN, publish_frames
from asyncworker.rabbitmq.outgoing import HEADER_START
from asyncworker.rabbitmq.properties import short_string

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiormq.abc import AbstractChannel

    from asyncworker.rabbitmq.inlet import Content
    from asyncworker.rabbitmq.outgoing import Outgoing
    from asyncworker.rabbitmq.wire import Wire

TOGETHER: Final = 65_536
"""Bytes that are written at once; the messages of one loop turn are, if they are fewer."""
PRECISION: Final = 0.01
"""Seconds by which a deadline may be missed, so that one timer serves all."""
_NOBODYS: Final = Context()
"""One alarm after the other is set in it: they keep nothing of a publisher's context."""
_CONFIRM: Final = Struct("!QB")
"""Delivery tag, and whether lower ones are meant too: the first bit."""


class Confirms:
    """Publish on a channel with confirms; answers are tied to messages by their number.

    The broker counts what is published on a channel from 1, and confirms by that count. It returns
    a message that no queue takes before it confirms it, and returns come in the order of
    publishing. A return has no number, but all of the message: it is the first one unanswered that
    is the same. Where several are the same in everything, it makes no difference which is meant;
    one whose publisher has gone is remembered until its answer, which is not for another.
    """

    def __init__(self, channel: AbstractChannel, wire: Wire) -> None:
        self.inlet = wire.open(channel.number, self._on_answers)
        self._channel = channel
        self._wire = wire
        self._max_header = wire.max_payload - HEADER_START
        self._loop = asyncio.get_running_loop()
        self._published = 0
        self._returned = 0
        self._waiting: dict[int, tuple[asyncio.Future[None], Outgoing, float]] = {}
        """In the order of their numbers."""
        self._abandoned: dict[int, tuple[int, bytes]] = {}
        """What may yet come back, but nobody waits for: a hash of address and body, the header."""
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf
        self._frames: list[bytes] = []
        self._size = 0
        self._gate = asyncio.Lock()
        channel.closing.add_done_callback(self._on_closed)

    async def publish(self, message: Outgoing, deadline: float) -> None:
        """Publish, and wait for the answer.

        deadline: seconds, on the loop's clock.
        Raises: BrokerError, Unroutable, PublishRejected, NotSerializable, TimeoutError
        """
        if len(message.header) > self._max_header:
            message.check_header(self._wire.max_payload)
        if self._wire.is_full:
            await self._room(deadline)
        if not self.inlet.is_open or self._wire.is_closing or self._channel.is_closed:
            raise BrokerError("the channel was lost")
        self._published = number = self._published + 1
        answer: asyncio.Future[None] = self._loop.create_future()
        self._waiting[number] = answer, message, deadline
        if deadline < self._alarm_at:
            self._set_alarm(deadline)
        self._write(message)
        try:
            await answer
        except asyncio.CancelledError:
            if number in self._waiting:
                self._abandon(number)
            if answer.done() and not answer.cancelled():
                # An error that came at the same moment must not be complained about as unseen.
                answer.exception()
            raise

    async def _room(self, deadline: float) -> None:
        """Wait until the broker has read most of what was written, one after the other."""
        async with asyncio.timeout_at(deadline), self._gate:
            if self._wire.is_full:
                with broker_errors():
                    await self._wire.drain()

    def _set_alarm(self, when: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = when
        if when == inf:
            self._alarm = None
        else:
            self._alarm = self._loop.call_at(when, self._expire, context=_NOBODYS)

    def _expire(self) -> None:
        """Give up what is not answered in time; then wait for the next that may be due."""
        now = self._loop.time()
        due = [number for number, waiting in self._waiting.items() if waiting[2] <= now]
        for number in due:
            answer = self._abandon(number)
            if not answer.done():
                answer.set_exception(TimeoutError())
        earliest = min((waiting[2] for waiting in self._waiting.values()), default=inf)
        self._set_alarm(max(earliest, now + PRECISION))

    def _abandon(self, number: int) -> asyncio.Future[None]:
        """Stop to wait for an answer; return by what it was awaited."""
        answer, message, _ = self._waiting.pop(number)
        if message.mandatory:
            self._abandoned[number] = hash((message.address, message.body)), message.header
        return answer

    def _write(self, message: Outgoing) -> None:
        if not self._frames:
            self._loop.call_soon(self._flush)
        for frames in publish_frames(self._channel.number, message, self._wire.max_payload):
            self._frames.append(frames)
            self._size += len(frames)
            if self._size > TOGETHER:
                self._flush()

    def _flush(self) -> None:
        frames, self._frames, self._size = self._frames, [], 0
        if frames and self.inlet.is_open:
            self._wire.write(b"".join(frames))

    def _on_answers(self, contents: list[Content]) -> None:
        for method, arguments, properties, body in contents:
            if method == RETURN:
                self._on_return(arguments, properties, body)
                continue
            number, bits = _CONFIRM.unpack_from(arguments)
            numbers = self._up_to(number) if bits & 1 else (number,)
            if self._abandoned:
                self._forget(number, up_to=bits & 1)
            for one in numbers:
                if one in self._waiting:
                    answer, message, _ = self._waiting.pop(one)
                    if answer.done():
                        continue
                    if method == ACK:
                        answer.set_result(None)
                    else:
                        answer.set_exception(refusal(message))

    def _up_to(self, number: int) -> tuple[int, ...]:
        return tuple(takewhile(number.__ge__, self._waiting))

    def _forget(self, number: int, *, up_to: int) -> None:
        """Expect nothing more of what nobody waited for and is answered now."""
        for one in tuple(self._abandoned) if up_to else (number,):
            if one <= number:
                self._abandoned.pop(one, None)

    def _on_return(self, arguments: bytes, properties: bytes, body: bytes) -> None:
        """Tell the publisher of a returned message, before the confirm that follows."""
        reason, at = short_string(arguments, 2)
        number = self._number_of(arguments[at:], properties, body)
        if number is None:
            return
        self._returned = number
        if number in self._abandoned:
            del self._abandoned[number]
            return
        answer, message, _ = self._waiting.pop(number)
        if not answer.done():
            answer.set_exception(Unroutable(f"{message}: {reason}"))

    def _number_of(self, address: bytes, properties: bytes, body: bytes) -> int | None:
        """Return which message came back, or None when it is none of these."""
        like = None
        for number in self._unreturned():
            header = self._header_like(number, address, body)
            if header == properties:
                return number
            if header is not None:
                like = like or number
        # A broker may add to the properties of what it returns.
        return like

    def _unreturned(self) -> Iterable[int]:
        """Return the numbers of what may come back, and perhaps others, in their order."""
        numbers = range(self._returned + 1, self._published + 1)
        if len(numbers) <= len(self._waiting):
            return numbers
        unanswered = sorted((*self._waiting, *self._abandoned))
        return (number for number in unanswered if number > self._returned)

    def _header_like(self, number: int, address: bytes, body: bytes) -> bytes | None:
        """Return the header of a message that may come back, if it has that address and body."""
        if number in self._waiting:
            message = self._waiting[number][1]
            if message.mandatory and (message.address, message.body) == (address, body):
                return message.header
        elif number in self._abandoned:
            likeness, header = self._abandoned[number]
            return header if likeness == hash((address, body)) else None
        return None

    def _on_closed(self, closing: asyncio.Future[None]) -> None:
        """Tell all publishers that the channel was lost, and why."""
        error = None if closing.cancelled() else closing.exception()
        waiting, self._waiting = self._waiting, {}
        self._set_alarm(inf)
        for answer, _, _ in waiting.values():
            if not answer.done():
                lost = BrokerError(reason_of(error) if error else "the channel was lost")
                lost.__cause__ = error
                answer.set_exception(lost)
