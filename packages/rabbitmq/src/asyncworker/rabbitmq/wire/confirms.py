"""Messages on one channel and the broker's answers to them: the hot path out."""

from __future__ import annotations

import asyncio
from contextvars import Context
from itertools import islice, takewhile
from math import inf
from struct import Struct
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.amqp.frames import ACK, HEADER_START, RETURN
from asyncworker.rabbitmq.amqp.properties import short_string
from asyncworker.rabbitmq.errors import (
    BrokerError,
    NotSerializable,
    Unroutable,
    broker_errors,
    reason_of,
    refusal,
)
from asyncworker.rabbitmq.wire.answers import Answers
from asyncworker.rabbitmq.wire.outgoing import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiormq.abc import AbstractChannel

    from asyncworker.rabbitmq.wire.content_reader import Content
    from asyncworker.rabbitmq.wire.outgoing import Outgoing
    from asyncworker.rabbitmq.wire.wire import Wire

PRECISION: Final = 0.01
"""Seconds by which a deadline may be missed, so that one timer serves all."""
_EMPTY_CONTEXT: Final = Context()
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
        self.reader = wire.open(channel.number, self._on_answers)
        self.take_replies: Callable[[list[Content]], None] = _ignore
        """Gets what is delivered on the channel, which is what its messages are answered."""
        self._channel = channel
        self._wire = wire
        self._max_header = wire.max_payload - HEADER_START
        self._loop = asyncio.get_running_loop()
        self._published = 0
        self._returned = 0
        self._waiting: dict[int, tuple[asyncio.Future[None] | Answers, Outgoing, float]] = {}
        """In the order of their numbers."""
        self._abandoned: dict[int, tuple[int, bytes]] = {}
        """What may yet come back, but nobody waits for: a hash of address and body, the header."""
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf
        self._outbox = Outbox(channel.number, self.reader, wire)
        self._draining = asyncio.Lock()
        channel.closing.add_done_callback(self._on_closed)

    async def publish(self, message: Outgoing, deadline: float) -> None:
        """Publish, and wait for the answer.

        deadline: seconds, on the loop's clock.
        Raises: BrokerError, Unroutable, PublishRejected, NotSerializable, TimeoutError
        """
        if self._wire.is_full or len(message.header) > self._max_header:
            await self._room_for(message, deadline)
        answer: asyncio.Future[None] = self._loop.create_future()
        number = self._send(message, answer, deadline)
        try:
            await answer
        except asyncio.CancelledError:
            if number in self._waiting:
                self._abandon(number)
            if answer.done() and not answer.cancelled():
                # An error that came at the same moment must not be complained about as unseen.
                answer.exception()
            raise

    async def publish_many(
        self, messages: Sequence[Outgoing], deadline: float
    ) -> list[Exception | None]:
        """Publish all, and wait for all answers: None, or what `publish()` would raise, for each.

        deadline: seconds, on the loop's clock.
        """
        answers = Answers(len(messages), self._loop)
        place = 0
        try:
            while place < len(messages):
                try:
                    await self._room_for(messages[place], deadline)
                    place = self._send_from(place, messages, answers, deadline)
                except (BrokerError, NotSerializable, TimeoutError) as error:
                    answers.fail(place, error)
                    place += 1
            if messages:
                await answers.all
        except asyncio.CancelledError:
            for number, (answer, _, _) in tuple(self._waiting.items()):
                if answer is answers:
                    self._abandon(number)
            raise
        return answers.errors

    def _send(self, message: Outgoing, answer: asyncio.Future[None], deadline: float) -> int:
        """Write a message, and return its number.

        Raises: BrokerError
        """
        self._expect_answers(deadline)
        self._published = number = self._published + 1
        self._waiting[number] = answer, message, deadline
        self._outbox.put(message)
        return number

    def _send_from(
        self, place: int, messages: Sequence[Outgoing], answers: Answers, deadline: float
    ) -> int:
        """Write messages from a place on, as far as there is room; return how far that was.

        Raises: BrokerError
        """
        self._expect_answers(deadline)
        answers.begin(self._published + 1, place)
        for message in islice(messages, place, None):
            if self._wire.is_full or len(message.header) > self._max_header:
                break
            self._published = number = self._published + 1
            self._waiting[number] = answers, message, deadline
            self._outbox.put(message)
            place += 1
        return place

    def _expect_answers(self, deadline: float) -> None:
        """Be ready to write, and for what is not answered in time.

        Raises: BrokerError
        """
        if not self.reader.is_open or self._wire.is_closing or self._channel.is_closed:
            raise BrokerError("the channel was lost")
        if deadline < self._alarm_at:
            self._set_alarm(deadline)

    async def _room_for(self, message: Outgoing, deadline: float) -> None:
        """Wait until the broker has read most of what was written, one after the other.

        Raises: BrokerError, NotSerializable, TimeoutError
        """
        message.check_header(self._wire.max_payload)
        if self._wire.is_full:
            async with asyncio.timeout_at(deadline), self._draining:
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
            self._alarm = self._loop.call_at(when, self._expire, context=_EMPTY_CONTEXT)

    def _expire(self) -> None:
        """Give up what is not answered in time; then wait for the next that may be due."""
        now = self._loop.time()
        due = [number for number, waiting in self._waiting.items() if waiting[2] <= now]
        for number in due:
            _fail(number, self._abandon(number), TimeoutError())
        earliest = min((waiting[2] for waiting in self._waiting.values()), default=inf)
        self._set_alarm(max(earliest, now + PRECISION))

    def _abandon(self, number: int) -> asyncio.Future[None] | Answers:
        """Stop to wait for an answer; return by what it was awaited."""
        answer, message, _ = self._waiting.pop(number)
        if message.mandatory:
            self._abandoned[number] = hash((message.address, message.body)), message.header
        return answer

    def _on_answers(self, contents: list[Content]) -> None:
        for content in contents:
            method, arguments, _, _ = content
            if method < ACK:
                self._on_content(content)
            else:
                self._on_confirm(method, arguments)

    def _on_confirm(self, method: int, arguments: bytes) -> None:
        number, bits = _CONFIRM.unpack_from(arguments)
        numbers = tuple(takewhile(number.__ge__, self._waiting)) if bits & 1 else (number,)
        if self._abandoned:
            self._forget(number, up_to=bits & 1)
        for one in numbers:
            if one not in self._waiting:
                continue
            answer, message, _ = self._waiting.pop(one)
            if method != ACK:
                _fail(one, answer, refusal(message))
            elif isinstance(answer, Answers):
                answer.confirm()
            elif not answer.done():
                answer.set_result(None)

    def _forget(self, number: int, *, up_to: int) -> None:
        """Expect nothing more of what nobody waited for and is answered now."""
        for one in tuple(self._abandoned) if up_to else (number,):
            if one <= number:
                self._abandoned.pop(one, None)

    def _on_content(self, content: Content) -> None:
        method, arguments, properties, body = content
        if method == RETURN:
            self._on_return(arguments, properties, body)
        else:
            self.take_replies([content])

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
        _fail(number, answer, Unroutable(f"{message}: {reason}"))

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
            hashed, header = self._abandoned[number]
            return header if hashed == hash((address, body)) else None
        return None

    def _on_closed(self, closing: asyncio.Future[None]) -> None:
        """Tell all publishers that the channel was lost, and why."""
        error = None if closing.cancelled() else closing.exception()
        waiting, self._waiting = self._waiting, {}
        self._set_alarm(inf)
        for number, (answer, _, _) in waiting.items():
            lost = BrokerError(reason_of(error) if error else "the channel was lost")
            lost.__cause__ = error
            _fail(number, answer, lost)


def _fail(number: int, answer: asyncio.Future[None] | Answers, error: Exception) -> None:
    if isinstance(answer, Answers):
        answer.fail(answer.place_of(number), error)
    elif not answer.done():
        answer.set_exception(error)


def _ignore(contents: list[Content]) -> None:
    """Stand where nothing is delivered."""
