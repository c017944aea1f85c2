"""What became of every message of a drill."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Ledger:
    """Hold message ids by what happened to them; only `handled` counts how often.

    attempted: given to a publisher. confirmed: the broker said that it has them.
    redelivered: how often a handling was of a message marked so.
    """

    attempted: set[str] = field(default_factory=set)
    confirmed: set[str] = field(default_factory=set)
    handled: Counter[str] = field(default_factory=Counter)
    redelivered: Counter[str] = field(default_factory=Counter)
    dead_lettered: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)

    @property
    def lost(self) -> set[str]:
        """Return what the broker had confirmed and nobody has."""
        return self.confirmed - set(self.handled) - self.left - self.dead_lettered

    @property
    def duplicates(self) -> int:
        """Return how many handlings were of a message handled before."""
        return self.handled.total() - len(self.handled)

    @property
    def unmarked(self) -> set[str]:
        """Return what was handled again without the mark `redelivered`."""
        return {one for one, times in self.handled.items() if times - 1 > self.redelivered[one]}

    @property
    def unexpected(self) -> set[str]:
        """Return what nobody published."""
        return (set(self.handled) | self.left | self.dead_lettered) - self.attempted
