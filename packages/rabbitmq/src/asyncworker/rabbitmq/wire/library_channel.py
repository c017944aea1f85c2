"""A channel whose messages go through the library."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, cast

from aiormq.exceptions import DeliveryError
from aiormq.exceptions import PublishError as ReturnedError

from asyncworker.options import Actions
from asyncworker.rabbitmq.amqp.frames import DELIVER, Unhandled, payload_of
from asyncworker.rabbitmq.amqp.methods import REPLY_TO, Deliver, consume
from asyncworker.rabbitmq.errors import (
    BrokerError,
    NotSerializable,
    PublishError,
    Unroutable,
    broker_errors,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiormq.abc import AbstractChannel, ConsumerCallback, DeliveredMessage

    from asyncworker.rabbitmq.amqp.frames import Settlement
    from asyncworker.rabbitmq.consumer import Consumer
    from asyncworker.rabbitmq.wire.content_reader import Content
    from asyncworker.rabbitmq.wire.outgoing import Outgoing


class LibraryChannel:
    """Let the library carry messages, one by one."""

    def __init__(self, underlay: AbstractChannel) -> None:
        self.underlay = underlay
        self._unsent: deque[Settlement] = deque()
        self._sending: asyncio.Future[None] | None = None

    @property
    def is_lost(self) -> bool:
        """Tell whether the channel has ended."""
        return self.underlay.is_closed

    async def consume(
        self, queue: str, take: Callable[[list[Content]], int], how: Consumer
    ) -> None:
        """Consume a queue, and wait for no answer."""
        with broker_errors():
            await consume(self.underlay, queue, _one_by_one(take), nowait=True, **how.said)

    async def consume_replies(self, take: Callable[[list[Content]], None]) -> None:
        """Consume what is answered, and wait for no answer."""
        with broker_errors():
            await consume(self.underlay, REPLY_TO, _one_by_one(take), nowait=True, no_ack=True)

    def send(self, settlements: Iterable[Settlement]) -> None:
        """Settle deliveries, in that order."""
        self._unsent.extend(settlements)
        if self._unsent and (self._sending is None or self._sending.done()):
            self._sending = asyncio.ensure_future(self._send_all())

    async def flush(self) -> None:
        """Wait until settlements are on their way."""
        if self._sending is not None:
            await asyncio.wait([self._sending])

    async def publish(self, message: Outgoing, deadline: float) -> None:
        """Publish, and wait for the confirm. Messages of one id in flight are taken for one."""
        frame_max = self.underlay.connection.connection_tune.frame_max
        message.check_header(payload_of(frame_max))
        try:
            async with asyncio.timeout_at(deadline):
                await self._publish(message)
        except BrokerError as error:
            cause = error.__cause__
            if isinstance(cause, ValueError):
                raise NotSerializable(f"{message}: the library refuses: {cause}") from cause
            if isinstance(cause, ReturnedError):
                raise Unroutable(f"{message}: {error}") from cause
            if isinstance(cause, DeliveryError):
                raise refusal(message) from cause
            raise

    async def publish_many(
        self, messages: Sequence[Outgoing], deadline: float
    ) -> list[Exception | None]:
        """Publish all at once, and wait for the confirms."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._outcome(one, deadline)) for one in messages]
        return [task.result() for task in tasks]

    async def _outcome(self, message: Outgoing, deadline: float) -> Exception | None:
        try:
            await self.publish(message, deadline)
        except (BrokerError, PublishError, TimeoutError) as error:
            return error
        return None

    async def _publish(self, message: Outgoing) -> None:
        with broker_errors():
            await self.underlay.basic_publish(
                message.body,
                exchange=message.exchange,
                routing_key=message.routing_key,
                properties=message.properties,
                mandatory=message.mandatory,
            )

    async def _send_all(self) -> None:
        try:
            while self._unsent:
                with broker_errors():
                    await self._settle(self._unsent[0])
                self._unsent.popleft()
        except BrokerError:
            # The channel is lost; the broker delivers again what is unsettled.
            self._unsent.clear()

    async def _settle(self, settlement: Settlement) -> None:
        tag, action, multiple = settlement
        if action is Actions.ACK:
            await self.underlay.basic_ack(tag, multiple=multiple, wait=False)
        elif action is Unhandled.RETURN:
            await self.underlay.basic_nack(tag, multiple=multiple, requeue=True, wait=False)
        else:
            requeue = action is Actions.REQUEUE
            await self.underlay.basic_reject(tag, requeue=requeue, wait=False)


def _one_by_one(take: Callable[[list[Content]], object]) -> ConsumerCallback:
    async def deliver(delivered: DeliveredMessage) -> None:
        take([_content(delivered)])

    return deliver


def _content(delivered: DeliveredMessage) -> Content:
    """Return a delivery as it was on the wire."""
    deliver = Deliver(**dict(cast("Any", delivered.delivery)))
    properties = delivered.header.properties
    return DELIVER, deliver.marshal(), properties.marshal(), delivered.body
