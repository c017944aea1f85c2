"""Messages that come again while a handler is still at them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncworker.rabbitmq.message import RabbitMQMessage

Identity = tuple[str, str | None, bytes]


class Redeliveries:
    """Hold messages back that handlers which outlived a channel are still at.

    When a channel is lost, the broker delivers again what handlers still run with. AMQP gives a
    message no identity, but queue, message id and body are the same each time. Other messages
    may share them: holding these back as well costs them nothing but time, so that no guess is
    needed. For the same reason what was held is handled again, not confirmed.
    """

    def __init__(self) -> None:
        self._running: Counter[Identity] = Counter()
        self._held: list[RabbitMQMessage] = []

    def __bool__(self) -> bool:
        return bool(self._running)

    def expect(self, running: Iterable[RabbitMQMessage]) -> None:
        """Note what handlers are at as their channel is lost."""
        self._running = Counter(map(_identity, running))

    def hold(self, message: RabbitMQMessage) -> bool:
        """Hold a message that was delivered again; return False when no handler is at it."""
        if not message.redelivered or _identity(message) not in self._running:
            return False
        self._held.append(message)
        return True

    def released_by(self, ended: Iterable[RabbitMQMessage]) -> list[RabbitMQMessage]:
        """Return what was held for the sake of messages whose handler has ended."""
        self._running -= Counter(map(_identity, ended))
        held = self.clear()
        self._held = [message for message in held if _identity(message) in self._running]
        return [message for message in held if _identity(message) not in self._running]

    def clear(self) -> list[RabbitMQMessage]:
        """Forget what is held, and return it."""
        held, self._held = self._held, []
        return held


def _identity(message: RabbitMQMessage) -> Identity:
    return message.queue, message.message_id, message.raw_body
