"""What a queue holds: messages that are ready, in order, and such that come back later."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.amqp.properties import EXPIRATION
from asyncworker.rabbitmq.memory.clock import now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.rabbitmq.memory.arguments import Rules
    from asyncworker.rabbitmq.memory.message import Message


@dataclass(slots=True, order=True)
class Entry:
    """Hold a message in one queue, which delivers the least rank, and there the least position.

    expires_at: by the clock, or None. returns: how often it was put back. failures: how often that
    was because its delivery had failed, counted through all queues that it was in.
    """

    rank: int
    position: int
    message: Message = field(compare=False)
    expires_at: float | None = field(compare=False)
    redelivered: bool = field(default=False, compare=False)
    returns: int = field(default=0, compare=False)
    failures: int = field(default=0, compare=False)


class Ready:
    """Keep messages by rank, and those of a rank by position: the least is the first."""

    def __init__(self) -> None:
        self.bytes = 0
        self._count = 0
        self._ranks: dict[int, list[Entry]] = {}

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Entry]:
        for rank in sorted(self._ranks):
            yield from sorted(self._ranks[rank])

    @property
    def first(self) -> list[Entry]:
        """Return what is delivered next, if anything is here."""
        return [self._ranks[min(self._ranks)][0]] if self._ranks else []

    @property
    def heads(self) -> list[Entry]:
        """Return the first message of each rank."""
        return [self._ranks[rank][0] for rank in sorted(self._ranks)]

    def push(self, entry: Entry) -> None:
        """Take a message."""
        heappush(self._ranks.setdefault(entry.rank, []), entry)
        self._count += 1
        self.bytes += len(entry.message.body)

    def pop(self, rank: int | None = None) -> Entry:
        """Return the first message, or the first one of a rank, which is no longer here."""
        rank = min(self._ranks) if rank is None else rank
        entry = heappop(self._ranks[rank])
        if not self._ranks[rank]:
            del self._ranks[rank]
        self._count -= 1
        self.bytes -= len(entry.message.body)
        return entry


class ClassicStorage:
    """Put messages back where they were, and let them come back as often as need be."""

    marks_dead_letters = False
    """Whether a dead letter that failed before counts as redelivered even if it need not wait."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.ready = Ready()
        self._delayed: list[tuple[float, Entry]] = []
        self._position = 0

    def entry_of(self, message: Message) -> Entry:
        """Return a message that is published, with its place."""
        return Entry(
            self._rank(message),
            self._next_position(),
            message,
            self._expiry_of(message),
            redelivered=self.marks_dead_letters and message.failures > 0,
            failures=message.failures,
        )

    def put_back(self, entry: Entry, *, failed: bool) -> bool:
        """Take a message that was delivered; return whether it may come back once more."""
        entry.redelivered = True
        entry.returns += 1
        entry.failures += failed
        if 0 <= self.rules.delivery_limit < entry.failures:
            return False
        if delay := self._delay_of(entry, failed=failed):
            heappush(self._delayed, (now() + delay, entry))
        else:
            self._make_ready(entry)
        return True

    def ripen(self) -> None:
        """Make messages ready whose delay has passed."""
        while self._delayed and self._delayed[0][0] <= now():
            self._make_ready(heappop(self._delayed)[1])

    def expired(self) -> Iterator[Entry]:
        """Remove what is too old, of what is looked at: the messages behind it have to wait."""
        while old := [one for one in self._looked_at() if _is_old(one)]:
            yield self.ready.pop(old[0].rank)

    def excess(self) -> Iterator[Entry]:
        """Remove what is too much, the first messages first."""
        while self.ready and self.is_full(0, 0):
            yield self.ready.pop()

    def is_full(self, messages: int, size: int) -> bool:
        """Tell whether with so many messages and bytes more it would be too much."""
        most, most_bytes = self.rules.max_length, self.rules.max_bytes
        return (most is not None and len(self.ready) + len(self._delayed) + messages > most) or (
            most_bytes is not None and self._bytes + size > most_bytes
        )

    def next_due(self) -> float | None:
        """Return when something is to be looked at again."""
        times = [one.expires_at for one in self._looked_at()]
        times += [at for at, _ in self._delayed[:1]]
        return min((at for at in times if at is not None), default=None)

    def clear(self) -> int:
        """Forget all, and return how much that was."""
        count = len(self.ready) + len(self._delayed)
        self.ready = Ready()
        self._delayed.clear()
        return count

    def shown(self, entry: Entry) -> Message:
        """Return a message as it is delivered."""
        return entry.message

    def _rank(self, message: Message) -> int:
        return -min(message.priority or 0, self.rules.max_priority)

    def _delay_of(self, entry: Entry, *, failed: bool) -> float:
        """Return the seconds after which a message that comes back is ready."""
        retry = self.rules.retry
        if retry is None or retry.which not in ("all", "failed" if failed else "returned"):
            return 0.0
        return min(retry.least * max(entry.failures, 1), retry.most)

    def _make_ready(self, entry: Entry) -> None:
        """Give a message that comes back its place."""
        self.ready.push(entry)

    def _looked_at(self) -> list[Entry]:
        """Return the messages that may have grown too old by now."""
        return self.ready.first

    @property
    def _bytes(self) -> int:
        return self.ready.bytes + sum(len(entry.message.body) for _, entry in self._delayed)

    def _next_position(self) -> int:
        self._position += 1
        return self._position

    def _expiry_of(self, message: Message) -> float | None:
        own = message.text(EXPIRATION)
        times = [int(own) / 1000] if own is not None else []
        if self.rules.ttl is not None:
            times.append(self.rules.ttl)
        return now() + min(times) if times else None


def _is_old(entry: Entry) -> bool:
    return entry.expires_at is not None and entry.expires_at <= now()


class QuorumStorage(ClassicStorage):
    """Deliver again first what comes back, and not for ever.

    See https://www.rabbitmq.com/docs/quorum-queues. What failed is what was rejected, or lost with
    a channel; what was nacked, recovered or taken back was merely returned.
    """

    PRIORITIES: Final = 31
    PRIORITY: Final = 4
    """That of a message which has none."""
    marks_dead_letters = True

    def shown(self, entry: Entry) -> Message:
        """Return a message as it is delivered: with the counts among its headers."""
        if not entry.returns and not entry.failures:
            return entry.message
        counts = {"x-acquired-count": entry.returns or entry.failures}
        if entry.failures:
            counts["x-delivery-count"] = entry.failures
        return replace(entry.message, header=entry.message.header_with(counts))

    def _rank(self, message: Message) -> int:
        priority = message.priority
        return -min(self.PRIORITY if priority is None else priority, self.PRIORITIES)

    def _make_ready(self, entry: Entry) -> None:
        """Have it delivered before any other, behind those that came back earlier."""
        entry.rank, entry.position = -self.PRIORITIES - 1, self._next_position()
        self.ready.push(entry)

    def _looked_at(self) -> list[Entry]:
        return self.ready.heads
