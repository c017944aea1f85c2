"""Messages on one channel and the broker's answers to them: the hot path out."""

from __future__ import annotations

import asyncio
from contextvars import Context
from itertools import chain, takewhile
from math import inf
from struct import Struct
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.amqp.frames import ACK, RETURN
from asyncworker.rabbitmq.amqp.properties import short_string
from asyncworker.rabbitmq.errors import (
    BrokerError,
    NotSerializable,
    Unroutable,
    broker_errors,
    reason_of,
    refusal,
)
from asyncworker.rabbitmq.wire.answers import Answer, Answers
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
        self._loop = asyncio.get_running_loop()
        self._published = 0
        self._returned = 0
        self._waiting: dict[int, Answer | Answers] = {}
        """By the number of each message, in their order."""
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
        if self._wire.is_full or len(message.header) > self._outbox.max_header:
            await self._room_for(message, deadline)
        self._expect_answers(deadline)
        answer: asyncio.Future[None] = self._loop.create_future()
        self._outbox.put((message,))
        self._published = number = self._published + 1
        self._waiting[number] = Answer(message, deadline, answer)
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
        errors: list[list[Exception | None]] = []
        sent: list[Answers] = []
        try:
            while messages:
                try:
                    await self._room_for(messages[0], deadline)
                    sent.append(self._send(messages, deadline))
                    errors.append(sent[-1].errors)
                except (BrokerError, NotSerializable, TimeoutError) as error:
                    errors.append([error])
                messages = messages[len(errors[-1]) :]
            for answers in sent:
                await answers.all
        except asyncio.CancelledError:
            for answers in sent:
                for number in filter(self._waiting.__contains__, answers.numbers):
                    self._abandon(number)
            raise
        return list(chain.from_iterable(errors))

    def _send(self, messages: Sequence[Outgoing], deadline: float) -> Answers:
        """Write messages, as far as there is room, and return what their answers come to.

        Raises: BrokerError
        """
        self._expect_answers(deadline)
        written = self._outbox.put(messages)
        first = self._published + 1
        self._published += written
        answers = Answers(messages[:written], first, deadline, self._loop.create_future())
        self._waiting.update(dict.fromkeys(answers.numbers, answers))
        return answers

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
        due = [number for number, answers in self._waiting.items() if answers.deadline <= now]
        for number in due:
            self._abandon(number).fail(number, TimeoutError())
        earliest = min((answers.deadline for answers in self._waiting.values()), default=inf)
        self._set_alarm(max(earliest, now + PRECISION))

    def _abandon(self, number: int) -> Answer | Answers:
        """Stop to wait for an answer; return by what it was awaited."""
        answers = self._waiting.pop(number)
        message = answers.message(number)
        if message.mandatory:
            self._abandoned[number] = hash((message.address, message.body)), message.header
        return answers

    def _on_answers(self, contents: list[Content]) -> int:
        for content in contents:
            method, arguments, _, _ = content
            if method < ACK:
                self._on_content(content)
            else:
                self._on_confirm(method, arguments)
        # Somebody may wait for the very next one.
        return 1

    def _on_confirm(self, method: int, arguments: bytes) -> None:
        number, bits = _CONFIRM.unpack_from(arguments)
        answered = self._answered(number, up_to=bits & 1)
        if self._abandoned:
            self._forget(number, up_to=bits & 1)
        if method == ACK:
            _confirm(answered)
        else:
            for one, answers in answered.items():
                answers.fail(one, refusal(answers.message(one)))

    def _answered(self, number: int, *, up_to: int) -> dict[int, Answer | Answers]:
        """Take out what is answered, by its number."""
        waiting = self._waiting
        if not up_to:
            return {number: waiting.pop(number)} if number in waiting else {}
        if number >= self._published:
            self._waiting = {}
            return waiting
        return {one: waiting.pop(one) for one in tuple(takewhile(number.__ge__, waiting))}

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
        answers = self._waiting.pop(number)
        answers.fail(number, Unroutable(f"{answers.message(number)}: {reason}"))

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
            message = self._waiting[number].message(number)
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
        for number, answers in waiting.items():
            lost = BrokerError(reason_of(error) if error else "the channel was lost")
            lost.__cause__ = error
            answers.fail(number, lost)


def _confirm(answered: dict[int, Answer | Answers]) -> None:
    """Tell publishers of confirms. answered: by what they are awaited, in the order of numbers."""
    first = next(iter(answered.values()), None)
    if first is not None and first is next(reversed(answered.values())):
        # What was published in a row has what is between its first and its last.
        first.confirm(len(answered))
        return
    for answers in answered.values():
        answers.confirm()


def _ignore(contents: list[Content]) -> None:
    """Stand where nothing is delivered."""
