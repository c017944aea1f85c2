"""A consumer: who gets the messages of a queue, and how many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pamqp.commands import Basic

from asyncworker.rabbitmq.methods import Deliver

if TYPE_CHECKING:
    from asyncworker.rabbitmq.memory.channel import Channel
    from asyncworker.rabbitmq.memory.message import Entry
    from asyncworker.rabbitmq.memory.queue import Queue


class Options(NamedTuple):
    """Say how a consumer wants its messages.

    timeout: the seconds within which it settles each, or None for what the queue says.
    """

    exclusive: bool = False
    priority: int = 0
    timeout: float | None = None


class Consumer:
    """Pass messages of a queue to a channel, no more unsettled ones than prefetch says."""

    def __init__(
        self, tag: str, queue: Queue, channel: Channel, *, no_ack: bool, options: Options
    ) -> None:
        self.tag = tag
        self.queue = queue
        self.exclusive = options.exclusive
        self.priority = options.priority
        self.timeout = options.timeout
        self.unsettled = 0
        self.late = 0
        """How many deliveries the queue took back, which are still to be settled."""
        self._channel = channel
        self._no_ack = no_ack
        self._prefetch = channel.prefetch

    @property
    def has_room(self) -> bool:
        """Tell whether it takes one message more."""
        return self._no_ack or (
            not self.late and (not self._prefetch or self.unsettled < self._prefetch)
        )

    def deliver(self, entry: Entry) -> None:
        """Send a message."""
        if not self._no_ack:
            self.unsettled += 1
        number = self._channel.hand_over(entry, self.queue, self, ack=not self._no_ack)
        message = self.queue.kind.shown(entry)
        deliver = Deliver(
            self.tag, number, entry.redelivered, message.exchange, message.routing_key
        )
        self._channel.send_content(deliver, message)

    def cancel(self) -> None:
        """Tell the client that its queue is gone."""
        self._channel.consumers.pop(self.tag, None)
        if self._channel.session.knows_cancel:
            self._channel.send(Basic.Cancel(self.tag, nowait=True))
