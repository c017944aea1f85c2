"""How long one of several processes lives before another takes its place."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from asyncworker.feed import Event
    from asyncworker.feed.activity import Activity
    from asyncworker.feed.recording import Batches

log = logging.getLogger(__name__)

PUBLISHING: Final = "publish"
"""The kind of activity that handles nothing."""
MB: Final = 2**20
STATM: Final = Path("/proc/self/statm")
"""Where Linux tells of a process' memory, in pages."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Say when a process is to be replaced. messages: handled by it. memory: bytes that it takes.

    Messages are whatever handlers are given: events, requests and runs of schedules too.
    """

    messages: int | None = None
    memory: int | None = None

    def __bool__(self) -> bool:
        return self.messages is not None or self.memory is not None

    @property
    def arguments(self) -> Iterator[str]:
        """Return what tells a process of them."""
        if self.messages is not None:
            yield f"--max-messages={self.messages}"
        if self.memory is not None:
            yield f"--max-memory={self.memory}"


class Lifespan:
    """Read a feed, and tell once when a limit is reached.

    It is looked at as messages are handled.
    """

    def __init__(self, limits: Limits, tell: Callable[[], None]) -> None:
        self._limits = limits
        self._tell: Callable[[], None] | None = tell
        self._handled = 0

    def wants(self, kind: type[Event]) -> bool:
        """Tell that no single events matter."""
        return False

    def take(self, event: Event) -> None:
        """Take none."""

    def read(self, activity: Activity, batches: Batches) -> None:
        """Count what was handled."""
        if activity.kind != PUBLISHING:
            self._handled += batches.items
        if self._tell is not None and (reason := self._over()):
            log.info("%s: another process is to take the place of this one", reason)
            self._tell()
            self._tell = None

    def _over(self) -> str:
        limit = self._limits.messages
        if limit is not None and self._handled >= limit:
            return f"handled {self._handled} messages (--max-messages {limit})"
        limit = self._limits.memory
        if limit is not None and (taken := memory()) >= limit:
            return f"takes {taken / MB:.0f} MB of memory (--max-memory {limit / MB:.0f} MB)"
        return ""


def memory() -> int:
    """Return the bytes of memory that this process takes; where that is not told, took at most."""
    import resource

    try:
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
