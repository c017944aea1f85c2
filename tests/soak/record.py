"""What the workers did, read while they do it."""

import json
import time
from collections import defaultdict, deque
from pathlib import Path

from tests.faults.ledger import Ledger

REMEMBERED = 60.0
"""Seconds for which it is known when messages were settled."""


def kind_of(message_id: str) -> str:
    """Return what kind of message it is: all kinds have numbers of their own."""
    return message_id.rpartition("-")[0]


def number_of(message_id: str) -> int:
    """Return its number."""
    return int(message_id.rpartition("-")[2])


class Record:
    """Read on in the workers' record, and enter into the ledger what they handled.

    newest: the highest number handled of each kind. settled: how many messages came to an end:
    handled, forwarded or retried.
    """

    def __init__(self, file: Path, ledger: Ledger) -> None:
        self.newest: defaultdict[str, int] = defaultdict(lambda: -1)
        self.settled = 0
        self._file = file
        self._ledger = ledger
        self._place = 0
        self._moments: deque[tuple[float, int]] = deque()

    def read(self) -> None:
        """Read what was added."""
        if not self._file.exists():
            return
        with self._file.open("rb") as file:
            file.seek(self._place)
            whole, end, _ = file.read().rpartition(b"\n")
        self._place += len(whole + end)
        for line in whole.splitlines():
            self._enter(json.loads(line))
        self._remember()

    def settled_since(self, moment: float) -> int:
        """Return how many messages came to an end since a moment of the monotonic clock."""
        before = (settled for at, settled in reversed(self._moments) if at <= moment)
        return self.settled - next(before, 0)

    def _enter(self, note: dict[str, str]) -> None:
        self.settled += 1
        if note["event"] != "handled":
            return
        message_id = note["id"]
        self._ledger.handled[message_id] += 1
        kind = kind_of(message_id)
        self.newest[kind] = max(self.newest[kind], number_of(message_id))

    def _remember(self) -> None:
        now = time.monotonic()
        self._moments.append((now, self.settled))
        # The first one that is left is the last one that is too old.
        while len(self._moments) > 1 and self._moments[1][0] < now - REMEMBERED:
            self._moments.popleft()
