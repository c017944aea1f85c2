"""A channel whose messages never pass through the library."""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING

from asyncworker.rabbitmq.amqp.frames import settlement_frames
from asyncworker.rabbitmq.amqp.methods import REPLY_TO, consume
from asyncworker.rabbitmq.errors import broker_errors
from asyncworker.rabbitmq.wire.confirms import Confirms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiormq.abc import AbstractChannel, DeliveredMessage

    from asyncworker.rabbitmq.amqp.frames import Settlement
    from asyncworker.rabbitmq.consumer import Consumer
    from asyncworker.rabbitmq.wire.content_reader import Content, ContentReader
    from asyncworker.rabbitmq.wire.outgoing import Outgoing
    from asyncworker.rabbitmq.wire.wire import Wire


class WireChannel:
    """Take deliveries and confirms off the wire, and write settlements and messages to it."""

    def __init__(self, underlay: AbstractChannel, wire: Wire) -> None:
        self.underlay = underlay
        self._wire = wire
        self._reader: ContentReader | None = None
        self._confirms: Confirms | None = None

    @property
    def is_lost(self) -> bool:
        """Tell whether nothing can be sent on it any more: known before the library knows."""
        is_open = self._reader is None or self._reader.is_open
        return not is_open or self._wire.is_closing or self.underlay.is_closed

    async def consume(
        self, queue: str, take: Callable[[list[Content]], int], how: Consumer
    ) -> None:
        """Consume a queue, and wait for no answer."""
        if self._reader is None:
            self._reader = self._wire.open(self.underlay.number, take)
        with broker_errors():
            await consume(self.underlay, queue, _ignore, nowait=True, **how.said)

    async def consume_replies(self, take: Callable[[list[Content]], None]) -> None:
        """Consume what is answered, and wait for no answer."""
        (self._confirms or self._confirmed()).take_replies = take
        with broker_errors():
            await consume(self.underlay, REPLY_TO, _ignore, nowait=True, no_ack=True)

    def send(self, settlements: Iterable[Settlement]) -> None:
        """Settle deliveries. So few bytes for each, and no more than prefetch, need no pause."""
        if not self.is_lost:
            self._wire.write(settlement_frames(self.underlay.number, settlements))

    async def flush(self) -> None:
        """Return: settlements are written at once."""

    async def publish(self, message: Outgoing, deadline: float) -> None:
        """Publish, and wait for the confirm."""
        await (self._confirms or self._confirmed()).publish(message, deadline)

    async def publish_many(
        self, messages: Sequence[Outgoing], deadline: float
    ) -> list[Exception | None]:
        """Publish all, and wait for the confirms."""
        return await (self._confirms or self._confirmed()).publish_many(messages, deadline)

    def _confirmed(self) -> Confirms:
        # It lives longer than whoever comes first, and must keep nothing of its context.
        self._confirms = Context().run(Confirms, self.underlay, self._wire)
        self._reader = self._confirms.reader
        return self._confirms


async def _ignore(delivered: DeliveredMessage) -> None:
    """Stand where the library wants a callback, which it has nothing for."""
