"""One fault, what was promised, and what came of it."""

import time
from dataclasses import dataclass, field

from tests.faults.ledger import Ledger

SHOWN = 10
"""The most ids in a failure's text."""


@dataclass(frozen=True)
class Row:
    """Hold a line of the table; None is for what a drill does not measure.

    duplicates and seconds come with the most that was allowed.
    """

    section: str
    fault: str
    handled: int | None
    lost: int | None
    duplicates: tuple[int, int] | None
    seconds: tuple[float, float] | None
    verdict: str


@dataclass
class Drill:
    """Measure one fault: begin with `broken()`, go on with `recovered()`, end with a check."""

    section: str
    fault: str
    ledger: Ledger = field(default_factory=Ledger)
    row: Row | None = None
    _broken_at: float | None = None
    _seconds: float | None = None

    def broken(self) -> None:
        """Start the clock: the fault begins, or what is promised is due from now on."""
        self._broken_at = time.monotonic()

    def recovered(self) -> None:
        """Stop the clock: what was promised is here."""
        assert self._broken_at is not None, "recovered() without broken()"
        self._seconds = time.monotonic() - self._broken_at

    def took(self, seconds: float) -> None:
        """Enter a time that the drill measured by itself, as the longest of several."""
        self._seconds = seconds

    def check(
        self, *, within: float | None = None, duplicates: int = 0, marked: bool = True
    ) -> None:
        """Hold the ledger and the clock against the promise.

        within: seconds between `broken()` and `recovered()`. duplicates: the most allowed.
        marked: whether they say that they are redelivered, which no message does that was published
        twice.
        """
        ledger = self.ledger
        self.row = self._row(
            ledger.handled.total(), len(ledger.lost), (ledger.duplicates, duplicates), within
        )
        assert not ledger.lost, f"{len(ledger.lost)} lost: {_some(ledger.lost)}"
        assert not ledger.unexpected, f"nobody published {_some(ledger.unexpected)}"
        assert not (marked and ledger.unmarked), f"not marked redelivered: {_some(ledger.unmarked)}"
        assert ledger.duplicates <= duplicates
        self._check_time(within)

    def check_time(self, within: float, handled: int | None = None) -> None:
        """Hold the clock alone against the promise: the drill has no messages to account for."""
        self.row = self._row(handled, None, None, within)
        self._check_time(within)

    def _check_time(self, within: float | None) -> None:
        if within is not None:
            assert self._seconds is not None, "a bound in time without recovered()"
            assert self._seconds <= within

    def _row(
        self,
        handled: int | None,
        lost: int | None,
        duplicates: tuple[int, int] | None,
        within: float | None,
    ) -> Row:
        seconds = None if within is None or self._seconds is None else (self._seconds, within)
        return Row(self.section, self.fault, handled, lost, duplicates, seconds, "kept")


def _some(ids: set[str]) -> str:
    return ", ".join(sorted(ids)[:SHOWN])
