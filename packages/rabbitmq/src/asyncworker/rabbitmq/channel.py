"""A route's channel: deliveries come in, outcomes go out."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from asyncworker.options import Actions
from asyncworker.rabbitmq.deliveries import tag_of
from asyncworker.rabbitmq.errors import BrokerError, broker_errors, reason_of
from asyncworker.rabbitmq.ledger import Ledger, Settlement
from asyncworker.rabbitmq.link import CLOSE_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiormq.abc import AbstractChannel, DeliveredMessage
    from pamqp.commands import Basic

    from asyncworker.rabbitmq.link import Link


class ConsumeChannel:
    """Consume queues on one AMQP channel, and settle each delivery on it exactly once.

    A delivery belongs to the channel that brought it. Once that is lost, outcomes are dropped: the
    broker delivers the message again.
    """

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel
        self._ledger = Ledger()
        self._decided = asyncio.Event()
        self._unsent: deque[Settlement] = deque()
        self._consumers: dict[str, asyncio.Event] = {}
        channel.on_consumer_cancel_callbacks.add(self._on_cancel)

    @classmethod
    @asynccontextmanager
    async def opened(cls, link: Link, prefetch: int) -> AsyncIterator[ConsumeChannel]:
        """Offer a channel; before it closes, send the outcomes that are decided.

        prefetch: the most unsettled messages for each consumer.
        Raises: BrokerError
        """
        async with link.channel() as underlay:
            with broker_errors():
                await underlay.basic_qos(prefetch_count=prefetch)
            channel = cls(underlay)
            try:
                yield channel
            finally:
                with suppress(BrokerError, TimeoutError):
                    async with asyncio.timeout(CLOSE_TIMEOUT):
                        await channel._send_outcomes()

    @property
    def is_lost(self) -> bool:
        """Tell whether the channel has ended, so that nothing can be settled on it any more."""
        return self._channel.is_closed

    async def lost(self) -> None:
        """Wait for the end of the channel.

        Raises: BrokerError, always.
        """
        closing = self._channel.closing
        await asyncio.wait([closing])
        error = None if closing.cancelled() else closing.exception()
        raise BrokerError(reason_of(error) if error else "the channel was closed") from error

    async def consume(self, queue: str, on_delivery: Callable[[DeliveredMessage], None]) -> None:
        """Start to consume a queue.

        Raises: BrokerError, when the broker refuses; the channel is then lost.
        """

        async def deliver(delivered: DeliveredMessage) -> None:
            if not self.is_lost:
                self._ledger.delivered(tag_of(delivered))
                on_delivery(delivered)

        self._consumers[queue] = asyncio.Event()
        with broker_errors():
            await self._channel.basic_consume(queue, deliver, consumer_tag=queue)

    async def cancelled(self, queue: str) -> None:
        """Wait until the broker ends the consuming of a queue, as it does when one is deleted."""
        await self._consumers[queue].wait()
        del self._consumers[queue]

    async def stop_consuming(self) -> None:
        """Have the broker send nothing more.

        Raises: BrokerError, TimeoutError
        """
        async with asyncio.timeout(CLOSE_TIMEOUT):
            for queue in list(self._consumers):
                with broker_errors():
                    await self._channel.basic_cancel(queue)

    def settle(self, delivery_tag: int, action: Actions) -> None:
        """Decide about a delivery, unless the channel is lost."""
        if not self.is_lost:
            self._ledger.decide(delivery_tag, action)
            self._decided.set()

    async def send_outcomes(self) -> None:
        """Send outcomes as they are decided, those of one loop turn together, without end.

        Raises: BrokerError
        """
        while True:
            await self._decided.wait()
            self._decided.clear()
            await self._send_outcomes()

    async def _send_outcomes(self) -> None:
        # Kept until sent, so that a cancellation in between loses none and repeats none.
        self._unsent.extend(self._ledger.take())
        while self._unsent:
            with broker_errors():
                await self._send(self._unsent[0])
            self._unsent.popleft()

    async def _send(self, settlement: Settlement) -> None:
        tag, action, multiple = settlement
        if action is Actions.ACK:
            await self._channel.basic_ack(tag, multiple=multiple, wait=False)
        else:
            requeue = action is Actions.REQUEUE
            await self._channel.basic_reject(tag, requeue=requeue, wait=False)

    def _on_cancel(self, frame: Basic.Cancel) -> None:
        if frame.consumer_tag in self._consumers:
            self._consumers[frame.consumer_tag].set()
