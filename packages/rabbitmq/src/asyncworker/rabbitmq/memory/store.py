"""What a queue holds: messages that wait for a consumer, and such that come back later."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from asyncworker.rabbitmq.memory.alarm import now
from asyncworker.rabbitmq.memory.message import Entry
from asyncworker.rabbitmq.memory.ready import Ready
from asyncworker.rabbitmq.properties import EXPIRATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.rabbitmq.memory.arguments import Rules
    from asyncworker.rabbitmq.memory.kinds import Classic
    from asyncworker.rabbitmq.memory.message import Message


class Store:
    """Keep messages as the rules and the kind of a queue say."""

    def __init__(self, rules: Rules, kind: Classic) -> None:
        self.ready = Ready()
        self._rules = rules
        self._kind = kind
        self._delayed: list[tuple[float, Entry]] = []
        self._position = 0

    def entry_of(self, message: Message) -> Entry:
        """Return a message that is published, with its place."""
        return Entry(
            self._kind.rank(message),
            self._next_position(),
            message,
            self._expiry_of(message),
            redelivered=self._kind.marks(message),
            failures=message.failures,
        )

    def put_back(self, entry: Entry, delay: float) -> None:
        """Take a message that was delivered, to be delivered again after so many seconds."""
        if delay:
            heappush(self._delayed, (now() + delay, entry))
        else:
            self._kind.put_back(entry, self._next_position())
            self.ready.push(entry)

    def ripen(self) -> None:
        """Have messages delivered whose delay has passed."""
        while self._delayed and self._delayed[0][0] <= now():
            self.put_back(heappop(self._delayed)[1], 0)

    def expired(self) -> Iterator[Entry]:
        """Remove what is too old, of what is looked at: the messages behind it have to wait."""
        while old := [one for one in self._kind.looked_at(self.ready) if _is_old(one)]:
            yield self.ready.pop(old[0].rank)

    def excess(self) -> Iterator[Entry]:
        """Remove what is too much, the first messages first."""
        while self.ready and self.is_full(0, 0):
            yield self.ready.pop()

    def is_full(self, messages: int, size: int) -> bool:
        """Tell whether with so many messages and bytes more it would be too much."""
        most, most_bytes = self._rules.max_length, self._rules.max_bytes
        return (most is not None and len(self.ready) + len(self._delayed) + messages > most) or (
            most_bytes is not None and self._bytes + size > most_bytes
        )

    def next_due(self) -> float | None:
        """Return when something is to be looked at again."""
        times = [one.expires_at for one in self._kind.looked_at(self.ready)]
        times += [at for at, _ in self._delayed[:1]]
        return min((at for at in times if at is not None), default=None)

    def clear(self) -> int:
        """Forget all, and return how much that was."""
        count = len(self.ready) + len(self._delayed)
        self.ready.clear()
        self._delayed.clear()
        return count

    @property
    def _bytes(self) -> int:
        return self.ready.bytes + sum(len(entry.message.body) for _, entry in self._delayed)

    def _next_position(self) -> int:
        self._position += 1
        return self._position

    def _expiry_of(self, message: Message) -> float | None:
        own = message.text(EXPIRATION)
        times = [int(own) / 1000] if own is not None else []
        if self._rules.ttl is not None:
            times.append(self._rules.ttl)
        return now() + min(times) if times else None


def _is_old(entry: Entry) -> bool:
    return entry.expires_at is not None and entry.expires_at <= now()
