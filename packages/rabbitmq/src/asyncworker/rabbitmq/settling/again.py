"""Messages that are handled again in place, without going back to the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.rabbitmq.retrying.attempts import past_of
from asyncworker.rabbitmq.retrying.rewritten import attempt_in_place

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.retry import Retry
    from asyncworker.rabbitmq.retrying.failure import Failure
    from asyncworker.rabbitmq.route import AMQPRoute

    Batch = list[RabbitMQMessage]


class Half(list["RabbitMQMessage"]):
    """Be a part of a batch that failed."""


class Again:
    """Hand messages to their handler once more, as they came, whatever it did to them.

    hand_over: takes batches that go before all that wait.
    """

    def __init__(self, route: AMQPRoute, hand_over: Callable[[list[Batch]], None]) -> None:
        self._route = route
        self._hand_over = hand_over

    def in_halves(self, batch: Batch) -> None:
        """Have a batch handled again as two, the first half first."""
        again = [self.renewed(message) for message in batch]
        middle = (len(again) + 1) // 2
        halves = Half(again[:middle]), Half(again[middle:])
        self._hand_over([half for half in halves if half])

    def at_once(self, batch: Batch, retry: Retry, failure: Failure) -> bool:
        """Have the one message handled again as its next attempt, unless it is to wait or end."""
        if not retry.now or not batch:
            return False
        [message] = batch
        past = past_of(message.content[2])
        is_due = past.at_once < retry.now and message.attempt < retry.attempts
        if message.outcome or past.waits or not is_due:
            return False
        try:
            properties = attempt_in_place(message, failure, at_once=True)
        except ValueError:
            # Headers that cannot be read cannot be added to.
            return False
        self._hand_over([[self.renewed(message, properties)]])
        return True

    def renewed(self, message: RabbitMQMessage, properties: bytes | None = None) -> RabbitMQMessage:
        """Return a message as it was delivered, with these properties in place of its own."""
        # The constructor would want all fields: those that are not set here are decoded when used.
        again: RabbitMQMessage = object.__new__(type(message))
        deliver, arguments, own, raw_body = message.content
        again.content = deliver, arguments, own if properties is None else properties, raw_body
        again.raw_body = message.raw_body
        again.channel = message.channel
        again.outcome = None
        again.offset = message.offset
        again.queue = message.queue
        again.delivery_tag, again.redelivered = message.delivery_tag, message.redelivered
        try:
            again.body = self._route.decode(again)
        except Exception:  # noqa: BLE001 (codecs of users may decode a body only once)
            again.body = message.body
        return again
