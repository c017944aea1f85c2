"""A channel, as this package needs one; the library's own way to be one."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, cast

from aiormq.exceptions import DeliveryError
from aiormq.exceptions import PublishError as ReturnedError

from asyncworker.options import Actions
from asyncworker.rabbitmq.errors import (
    BrokerError,
    NotSerializable,
    Unroutable,
    broker_errors,
    refusal,
)
from asyncworker.rabbitmq.frames import DELIVER, Unhandled, payload_of
from asyncworker.rabbitmq.methods import Deliver, consume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiormq.abc import AbstractChannel, DeliveredMessage

    from asyncworker.rabbitmq.frames import Settlement
    from asyncworker.rabbitmq.inlet import Content
    from asyncworker.rabbitmq.outgoing import Outgoing


class Carrier(Protocol):
    """Carry messages on one AMQP channel; `underlay` is for everything else."""

    underlay: AbstractChannel

    @property
    def is_lost(self) -> bool:
        """Tell whether nothing can be sent on it any more."""
        ...

    async def consume(self, queue: str, take: Callable[[list[Content]], None]) -> None:
        """Consume a queue, and wait for no answer; its name is the consumer tag.

        The channel is lost when the broker refuses. take: gets the deliveries.
        Raises: BrokerError
        """
        ...

    def send(self, settlements: Iterable[Settlement]) -> None:
        """Settle deliveries, in that order."""
        ...

    async def flush(self) -> None:
        """Wait until settlements are on their way.

        Raises: BrokerError
        """
        ...

    async def publish(self, message: Outgoing, deadline: float) -> None:
        """Publish on a channel with confirms, and wait for this one's.

        deadline: seconds, on the loop's clock.
        Raises: BrokerError, Unroutable, PublishRejected, NotSerializable, TimeoutError
        """
        ...


class PlainCarrier:
    """Let the library carry messages, one by one."""

    def __init__(self, underlay: AbstractChannel) -> None:
        self.underlay = underlay
        self._unsent: deque[Settlement] = deque()
        self._sending: asyncio.Future[None] | None = None

    @property
    def is_lost(self) -> bool:
        """Tell whether the channel has ended."""
        return self.underlay.is_closed

    async def consume(self, queue: str, take: Callable[[list[Content]], None]) -> None:
        """Consume a queue, and wait for no answer; its name is the consumer tag.

        Raises: BrokerError
        """

        async def deliver(delivered: DeliveredMessage) -> None:
            take([_content(delivered)])

        with broker_errors():
            await consume(self.underlay, queue, deliver, nowait=True)

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
        """Publish, and wait for the confirm. Messages of one id in flight are taken for one.

        Raises: BrokerError, Unroutable, PublishRejected, NotSerializable, TimeoutError
        """
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


def _content(delivered: DeliveredMessage) -> Content:
    """Return a delivery as it was on the wire."""
    deliver = Deliver(**dict(cast("Any", delivered.delivery)))
    properties = delivered.header.properties
    return DELIVER, deliver.marshal(), properties.marshal(), delivered.body
