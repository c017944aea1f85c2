"""Dead letters counted by why they are dead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from asyncworker.rabbitmq.dead.letter import DeadLetter

MOST: Final = 100
"""Groups that are told apart. Beyond, those of one type of error are one: messages may be as many
as the letters."""


@dataclass(frozen=True, slots=True)
class Group:
    """Count the dead letters of one cause.

    error: what their handler raised, or a pattern of it, as `KeyError: *`, where there are too many
    different ones; None where none is told. reason: that of the broker, where there is no error.
    count: how many they are. oldest: when the first of them died, aware, if that is known.
    """

    error: str | None
    reason: str | None
    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Hold what is in a dead-letter queue.

    queue, vhost: where. count: how many dead letters were looked at. consumers: how many read from
    it besides. oldest: when the first of them died, aware, if that is known.
    groups: by error and reason, the largest first.
    """

    queue: str
    vhost: str
    count: int
    consumers: int
    oldest: datetime | None
    groups: tuple[Group, ...]


class Groups:
    """Count dead letters by error and reason, in bounded memory."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str | None, str | None], Group] = {}
        self._by_type = False

    def add(self, letter: DeadLetter) -> None:
        """Count one."""
        self._add(Group(letter.error, letter.reason, 1, letter.failed_at))
        if len(self._groups) > MOST and not self._by_type:
            self._by_type = True
            groups, self._groups = self._groups, {}
            for group in groups.values():
                self._add(group)

    def largest_first(self) -> tuple[Group, ...]:
        """Return them; of equal ones the first one met comes first."""
        return tuple(sorted(self._groups.values(), key=lambda one: -one.count))

    def _add(self, one: Group) -> None:
        error = _pattern_of(one.error) if self._by_type and one.error else one.error
        known = self._groups.get((error, one.reason))
        count, oldest = (0, None) if known is None else (known.count, known.oldest)
        group = Group(error, one.reason, count + one.count, earlier(oldest, one.oldest))
        self._groups[error, one.reason] = group


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the earlier of what is known."""
    known = [moment for moment in (one, other) if moment is not None]
    return min(known, default=None)


def _pattern_of(error: str) -> str:
    kind, colon, _ = error.partition(":")
    return f"{kind}: *" if colon else error
