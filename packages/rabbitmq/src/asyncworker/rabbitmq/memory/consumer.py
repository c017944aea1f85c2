"""The consumers of a queue, and whose turn it is among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from asyncworker.rabbitmq.memory.storage import Entry


@dataclass(slots=True, eq=False, kw_only=True)
class Consumer:
    """Want messages of a queue, no more unsettled ones than prefetch says, or any number if 0.

    deliver: sends it a message. cancel: tells it that its queue is gone. timeout: the seconds
    within which it settles each, or None for what the queue says. begin: where in a stream it
    begins to read. late: how many deliveries the
    queue took back, which are still to be settled.
    """

    tag: str
    deliver: Callable[[Entry], None]
    cancel: Callable[[], None]
    prefetch: int
    exclusive: bool
    priority: int
    timeout: float | None
    begin: Any = None
    unacked: int = 0
    late: int = 0

    @property
    def has_room(self) -> bool:
        """Tell whether it takes one message more."""
        return not self.late and (not self.prefetch or self.unacked < self.prefetch)


class Consumers:
    """Choose the consumer of the highest priority that has room, and equal ones in turn.

    single: whether only one is served, and another one when that is gone. gives_way: whether that
    one, once it has settled what it has, goes for one of a higher priority that came later.
    """

    def __init__(self, *, single: bool, gives_way: bool) -> None:
        self._single = single
        self._gives_way = gives_way
        self._all: list[Consumer] = []
        self._active: Consumer | None = None

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Consumer]:
        return iter(self._all)

    def add(self, consumer: Consumer) -> None:
        """Take a consumer."""
        self._all.append(consumer)
        self._served()

    def remove(self, consumer: Consumer) -> None:
        """Forget a consumer."""
        self._all.remove(consumer)
        self._served()

    def next(self) -> Consumer | None:
        """Return the next one to get a message, if any has room."""
        choice = self._served() if self._single else self._all
        chosen = _highest([one for one in choice if one.has_room])
        if chosen is not None and not self._single:
            self._all.remove(chosen)
            self._all.append(chosen)
        return chosen

    def _served(self) -> list[Consumer]:
        """Return the active one, if there is one and it may have more."""
        best = _highest([one for one in self._all if not one.late])
        active = self._active
        if active not in self._all:
            active = best
        elif active.late or (self._gives_way and best and best.priority > active.priority):
            if active.unacked:
                return []
            active = best
        self._active = active
        return [] if active is None else [active]


def _highest(consumers: list[Consumer]) -> Consumer | None:
    """Return the one of the highest priority, the first of several."""
    return max(consumers, key=lambda one: one.priority, default=None)
