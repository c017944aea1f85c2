"""What queues do by their type: the order of messages, and what becomes of those that come back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncworker.rabbitmq.memory.arguments import Rules
    from asyncworker.rabbitmq.memory.message import Entry, Message
    from asyncworker.rabbitmq.memory.ready import Ready

_WHICH: Final = {True: "failed", False: "returned"}


class Classic:
    """Put messages back where they were, and deliver them as often as need be."""

    def __init__(self, rules: Rules) -> None:
        self._most = rules.max_priority

    def rank(self, message: Message) -> int:
        """Return the rank of a message that is published."""
        return -min(message.priority or 0, self._most)

    def marks(self, message: Message) -> bool:
        """Tell whether a message that is published counts as delivered before."""
        return False

    def put_back(self, entry: Entry, position: int) -> None:
        """Give a message that comes back its place. `position` is one that nobody has."""

    def delay_of(self, entry: Entry, *, failed: bool) -> float:
        """Return the seconds after which a message that comes back is delivered again."""
        return 0.0

    def is_spent(self, entry: Entry) -> bool:
        """Tell whether a message that comes back did so too often."""
        return False

    def looked_at(self, ready: Ready) -> list[Entry]:
        """Return the messages that may have grown too old by now."""
        return [] if ready.first is None else [ready.first]

    def shown(self, entry: Entry) -> Message:
        """Return a message as it is delivered."""
        return entry.message


class Quorum(Classic):
    """Deliver again first what comes back, and not for ever.

    See https://www.rabbitmq.com/docs/quorum-queues. What failed is what was rejected, or lost with
    a channel; what was nacked, recovered or taken back was merely returned.
    """

    PRIORITIES: Final = 31
    PRIORITY: Final = 4
    """That of a message which has none."""

    def __init__(self, rules: Rules) -> None:
        self._limit = rules.delivery_limit
        self._retry = rules.retry

    def rank(self, message: Message) -> int:
        """Return the rank of a message that is published."""
        priority = message.priority
        return -min(self.PRIORITY if priority is None else priority, self.PRIORITIES)

    def marks(self, message: Message) -> bool:
        """Tell whether a message that is published counts as delivered before."""
        return message.failures > 0

    def put_back(self, entry: Entry, position: int) -> None:
        """Have it delivered before any other, behind those that came back earlier."""
        entry.rank, entry.position = -self.PRIORITIES - 1, position

    def delay_of(self, entry: Entry, *, failed: bool) -> float:
        """Return the seconds after which a message that comes back is delivered again."""
        if self._retry is None or self._retry.which not in ("all", _WHICH[failed]):
            return 0.0
        return min(self._retry.least * max(entry.failures, 1), self._retry.most)

    def is_spent(self, entry: Entry) -> bool:
        """Tell whether a message that comes back did so too often."""
        return 0 <= self._limit < entry.failures

    def looked_at(self, ready: Ready) -> list[Entry]:
        """Return the messages that may have grown too old by now."""
        return ready.heads

    def shown(self, entry: Entry) -> Message:
        """Return a message as it is delivered: with the counts among its headers."""
        if not entry.returns and not entry.failures:
            return entry.message
        counts = {"x-acquired-count": entry.returns or entry.failures}
        if entry.failures:
            counts["x-delivery-count"] = entry.failures
        return replace(entry.message, header=entry.message.header_with(counts))
