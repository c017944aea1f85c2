"""A consumer: who gets the messages of a queue, and how many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pamqp.commands import Basic

if TYPE_CHECKING:
    from asyncworker.rabbitmq.memory.channel import Channel
    from asyncworker.rabbitmq.memory.message import Entry
    from asyncworker.rabbitmq.memory.queue import Queue


class Consumer:
    """Pass messages of a queue to a channel, no more unsettled ones than prefetch says."""

    def __init__(
        self, tag: str, queue: Queue, channel: Channel, *, no_ack: bool, exclusive: bool
    ) -> None:
        self.tag = tag
        self.queue = queue
        self.exclusive = exclusive
        self._channel = channel
        self._no_ack = no_ack
        self._prefetch = channel.prefetch
        self.unsettled = 0

    @property
    def has_room(self) -> bool:
        """Tell whether it takes one message more."""
        if self._no_ack:
            return True
        together = self._channel.prefetch_together
        return (not self._prefetch or self.unsettled < self._prefetch) and (
            not together or self._channel.consumed < together
        )

    def deliver(self, entry: Entry) -> None:
        """Send a message."""
        if not self._no_ack:
            self.unsettled += 1
        number = self._channel.hand_over(entry, self.queue, self, ack=not self._no_ack)
        message = entry.message
        deliver = Basic.Deliver(
            self.tag, number, entry.redelivered, message.exchange, message.routing_key
        )
        self._channel.send_content(deliver, message)

    def cancel(self) -> None:
        """Tell the client that its queue is gone."""
        self._channel.consumers.pop(self.tag, None)
        if self._channel.session.knows_cancel:
            self._channel.send(Basic.Cancel(self.tag, nowait=True))
