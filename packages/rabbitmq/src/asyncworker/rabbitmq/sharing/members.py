"""Members: how many processes share the shards of a route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.rabbitmq.amqp.methods import QueueDeclare, call, consume
from asyncworker.rabbitmq.errors import broker_errors

if TYPE_CHECKING:
    from aiormq.abc import DeliveredMessage

    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.wire.message_channel import MessageChannel


class Members:
    """Consume a queue that is there for nothing else: each of its consumers is a process.

    The broker deletes it with the last one.

    queue: its name.
    """

    def __init__(self, queue: str, link: Link) -> None:
        self._queue = queue
        self._link = link
        self._channel: MessageChannel | None = None

    async def count(self) -> int:
        """Return how many there are, this process among them.

        Raises: BrokerError
        """
        channel = self._channel
        if channel is None or channel.is_lost:
            channel = await self._join()
        with broker_errors():
            found = await call(channel.underlay, QueueDeclare(queue=self._queue, passive=True))
        return max(1, found.consumer_count or 0)

    def leave(self) -> None:
        """Be none of them any more."""
        channel, self._channel = self._channel, None
        if channel is not None:
            self._link.discard(channel)

    async def _join(self) -> MessageChannel:
        channel = await self._link.open_channel(confirms=False)
        declaration = QueueDeclare(
            queue=self._queue,
            durable=True,
            auto_delete=True,
            # Whatever the vhost makes of queues that do not say.
            arguments={"x-queue-type": "classic"},
        )
        with broker_errors():
            await call(channel.underlay, declaration)
            await consume(channel.underlay, self._queue, _ignore, no_ack=True)
        self._channel = channel
        return channel


async def _ignore(delivered: DeliveredMessage) -> None:
    """Have nothing to do with what a stranger publishes there."""
