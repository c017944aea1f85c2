"""A channel whose messages never pass through the library."""

from __future__ import annotations

from contextvars import Context
from typing import TYPE_CHECKING

from asyncworker.rabbitmq.confirms import Confirms
from asyncworker.rabbitmq.errors import broker_errors
from asyncworker.rabbitmq.frames import settlement_frames
from asyncworker.rabbitmq.methods import consume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from aiormq.abc import AbstractChannel, DeliveredMessage

    from asyncworker.rabbitmq.frames import Settlement
    from asyncworker.rabbitmq.inlet import Content, Inlet
    from asyncworker.rabbitmq.outgoing import Outgoing
    from asyncworker.rabbitmq.wire import Wire


class WireCarrier:
    """Take deliveries and confirms off the wire, and write settlements and messages to it."""

    def __init__(self, underlay: AbstractChannel, wire: Wire) -> None:
        self.underlay = underlay
        self._wire = wire
        self._inlet: Inlet | None = None
        self._confirms: Confirms | None = None

    @property
    def is_lost(self) -> bool:
        """Tell whether nothing can be sent on it any more: known before the library knows."""
        is_open = self._inlet is None or self._inlet.is_open
        return not is_open or self._wire.is_closing or self.underlay.is_closed

    async def consume(self, queue: str, take: Callable[[list[Content]], None]) -> None:
        """Consume a queue, and wait for no answer; its name is the consumer tag.

        Raises: BrokerError
        """
        if self._inlet is None:
            self._inlet = self._wire.open(self.underlay.number, take)
        with broker_errors():
            await consume(self.underlay, queue, _ignore, nowait=True)

    def send(self, settlements: Iterable[Settlement]) -> None:
        """Settle deliveries. So few bytes for each, and no more than prefetch, need no pause."""
        if not self.is_lost:
            self._wire.write(settlement_frames(self.underlay.number, settlements))

    async def flush(self) -> None:
        """Return: settlements are written at once."""

    async def publish(self, message: Outgoing, deadline: float) -> None:
        """Publish, and wait for the confirm.

        Raises: BrokerError, Unroutable, PublishRejected, NotSerializable, TimeoutError
        """
        if self._confirms is None:
            # It lives longer than whoever comes first, and must keep nothing of its context.
            self._confirms = Context().run(Confirms, self.underlay, self._wire)
            self._inlet = self._confirms.inlet
        await self._confirms.publish(message, deadline)


async def _ignore(delivered: DeliveredMessage) -> None:
    """Stand where the library wants a callback, which it has nothing for."""
