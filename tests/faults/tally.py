"""What the `tallying` worker handled, in two bytes a message."""

from pathlib import Path

from tests.faults.ledger import Ledger


class Tally:
    """Read the record of the `tallying` worker: how often it had each number, and redelivered."""

    def __init__(self, record: Path, numbers: int) -> None:
        self._record = record
        self._numbers = numbers

    @property
    def handled(self) -> int:
        """Return how many different numbers were handled."""
        return self._numbers - self._counts.count(0)

    def account(self, ledger: Ledger) -> None:
        """Enter into the ledger what was handled."""
        for number, count in enumerate(self._counts):
            if count:
                ledger.handled[str(number)] = count
        for number, count in enumerate(self._record.read_bytes()[self._numbers :]):
            if count:
                ledger.redelivered[str(number)] = count

    @property
    def _counts(self) -> bytes:
        return self._record.read_bytes()[: self._numbers]
