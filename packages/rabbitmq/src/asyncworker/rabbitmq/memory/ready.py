"""What waits in a queue, in the order of delivery."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.rabbitmq.memory.message import Entry


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
    def first(self) -> Entry | None:
        """Return what is delivered next, or None."""
        return self._ranks[min(self._ranks)][0] if self._ranks else None

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

    def clear(self) -> None:
        """Forget all."""
        self._ranks.clear()
        self._count = self.bytes = 0
