"""One channel's questions, tied to their answers by correlation ids."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from asyncworker.rabbitmq.amqp.properties import CORRELATION_ID, split_properties
from asyncworker.rabbitmq.errors import AskFailed, BrokerError, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncworker.rabbitmq.asking.question import Question
    from asyncworker.rabbitmq.wire.content_reader import Content
    from asyncworker.rabbitmq.wire.message_channel import MessageChannel


class AskChannel:
    """Publish questions on a channel, and take the answers, which come back on it alone.

    Answers that nobody waits for are ignored: they are late, or somebody else's.
    """

    def __init__(self, channel: MessageChannel) -> None:
        self.underlay = channel.underlay
        self._channel = channel
        self._waiting: dict[bytes, tuple[Question, asyncio.Future[None]]] = {}
        """By correlation id."""
        self._loop = asyncio.get_running_loop()

    @classmethod
    async def on(cls, channel: MessageChannel) -> Self:
        """Return a channel that takes answers from now on.

        Raises: BrokerError
        """
        asking = cls(channel)
        await channel.consume_replies(asking._on_answers)
        channel.underlay.closing.add_done_callback(asking._on_closed)
        return asking

    @property
    def is_lost(self) -> bool:
        """Tell whether nothing can be asked on it any more."""
        return self._channel.is_lost

    async def publish(self, question: Question, deadline: float) -> None:
        """Publish a question, and wait for the answer.

        deadline: seconds, on the loop's clock, until which the broker is to confirm it.
        Raises: BrokerError, when it may be asked again, AskFailed, when it may not; Unroutable,
        PublishRejected, NotSerializable, TimeoutError
        """
        answered = self._loop.create_future()
        self._waiting[question.correlation_id] = question, answered
        question.is_sent = True
        try:
            await self._channel.publish(question, deadline)
            question.is_confirmed = True
            if not answered.done():
                if self.underlay.closing.done():
                    raise _lost(question, self.underlay.closing)
                await answered
        except (BrokerError, TimeoutError):
            # What is answered needs no confirm.
            if not question.is_answered:
                raise
        finally:
            del self._waiting[question.correlation_id]
            if answered.done() and not answered.cancelled():
                # An error that came with a cancellation must not be complained about as unseen.
                answered.exception()

    def _on_answers(self, contents: Iterable[Content]) -> None:
        for content in contents:
            correlation_id = split_properties(content[2]).get(CORRELATION_ID, b"")
            question, answered = self._waiting.get(correlation_id, (None, None))
            if question is not None and answered is not None and not answered.done():
                question.answer = content
                answered.set_result(None)

    def _on_closed(self, closing: asyncio.Future[None]) -> None:
        """Tell those who wait for answers alone that none can come; the others are told anyway."""
        for question, answered in self._waiting.values():
            if question.is_confirmed and not answered.done():
                answered.set_exception(_lost(question, closing))


def _lost(question: Question, closing: asyncio.Future[None]) -> AskFailed:
    error = None if closing.cancelled() else closing.exception()
    reason = reason_of(error) if error else "the channel was lost"
    failed = AskFailed(
        f"{question}: the answer cannot come any more, and it is unknown whether the question was "
        f"handled: {reason}"
    )
    failed.__cause__ = error
    return failed
