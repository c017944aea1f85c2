"""Handover: a queue is left to another process, so that it goes on where this one ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.errors import BrokerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.dispatch import Dispatcher
    from asyncworker.rabbitmq.buffering.prefetch_buffer import PrefetchBuffer
    from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.retrying.copies import Copies

LOOK_EVERY: Final = 0.02
"""Seconds between two looks at what handlers are at. Who settles it tells nobody, as that costs."""


class HandedOver(BrokerError):
    """Report a channel that was closed on purpose, to have queues handed over."""


class Handover:
    """Leave queues to others in the order in which their messages came.

    A classic queue puts back what it is given back to where it was. A quorum queue does so only
    with what a channel held that is closed: what was on its way to a consumer that is cancelled is
    put before what that had, and of much that goes back at once the order is lost (3.10.8). So the
    channel of the route is closed when handlers are at nothing, and another one opened for the
    queues that stay here.

    current: returns the channel of the route, None while there is none.
    is_quorum: whether the queues are quorum queues.
    """

    def __init__(
        self,
        buffer: PrefetchBuffer,
        dispatcher: Dispatcher[RabbitMQMessage],
        copies: Copies,
        current: Callable[[], ConsumeChannel | None],
        *,
        is_quorum: bool,
    ) -> None:
        self.is_quorum = is_quorum
        self._buffer = buffer
        self._dispatcher = dispatcher
        self._copies = copies
        self._current = current
        self._is_over = asyncio.Event()
        self._closing = asyncio.Lock()

    def end(self, queue: str) -> None:
        """Have nothing more of a queue handed out, as the run ends."""
        self._buffer.leave(queue)

    def close(self) -> None:
        """Note that the channel of the run is closed, and that there will be no other."""
        self._is_over.set()

    def lost(self, reason: str) -> None:
        """Leave all at once, as another process may have a queue already.

        The broker lets that one begin when it has back what was delivered here.
        """
        channel = self._current()
        if channel is not None:
            channel.give_up(BrokerError(reason))

    async def left(self, queue: str) -> None:
        """Return when nothing of a queue is here that may be with another process next.

        What handlers are at may take its time: nothing else of the queue is handled meanwhile.
        """
        if self.is_quorum:
            await self._closed(self._current())
        else:
            await self._given_back(queue, self._current())

    async def _given_back(self, queue: str, channel: ConsumeChannel | None) -> None:
        self._buffer.leave(queue)
        with suppress(BrokerError):
            if channel is not None:
                await channel.leave(queue)
        while self._copies.is_at(queue) or self._is_at(queue):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY)
        self._buffer.left(queue)
        with suppress(BrokerError):
            # What a lost channel brought is back with its end.
            if channel is not None and not channel.is_lost:
                await channel.taken_in(queue)

    async def _closed(self, channel: ConsumeChannel | None) -> None:
        # One closes it for all that are left together.
        async with self._closing:
            if self._is_here(channel):
                self._buffer.close()
            while self._is_here(channel) and self._is_busy():  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY)
            if channel is not None:
                channel.give_up(HandedOver("shards are handed over"))
            while self._is_here(channel):  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY)

    def _is_here(self, channel: ConsumeChannel | None) -> bool:
        is_current = channel is not None and channel is self._current()
        return is_current and not self._is_over.is_set()

    def _is_busy(self) -> bool:
        return bool(self._dispatcher.running()) or self._copies.is_at_any

    def _is_at(self, queue: str) -> bool:
        return any(message.queue == queue for message in self._dispatcher.running())
