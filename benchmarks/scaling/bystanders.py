"""Who else is at work on this machine: what is measured beside others says less."""

import os
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Final

STAT: Final = Path("/proc/stat")
IDLE: Final = slice(3, 5)
"""Where the times are, among those of proc_stat(5), in which nothing ran."""
TIMES: Final = 8


class Bystanders:
    """Note CPU times from now on.

    running: seconds of CPU that processes of ours have had which end later, this one aside.
    """

    def __init__(self, running: float) -> None:
        self._began = _read(running)

    def percent(self, running: float) -> float:
        """Return how much of the machine's CPU time others had; 0 where nothing tells."""
        times = zip(_read(running), self._began, strict=True)
        wall, busy, ours = (now - then for now, then in times)
        return max(100 * (busy - ours) / (wall * (os.cpu_count() or 1)), 0.0)


def _read(running: float) -> tuple[float, float, float]:
    """Return the seconds that passed, those of everybody's CPU, and those of ours."""
    ended = (getrusage(whose) for whose in (RUSAGE_SELF, RUSAGE_CHILDREN))
    ours = sum(one.ru_utime + one.ru_stime for one in ended) + running
    return time.monotonic(), _busy(), ours


def _busy() -> float:
    """Return the seconds of CPU that everybody has had since the machine was started."""
    if not STAT.exists():
        return 0.0
    times = [int(word) for word in STAT.read_text().split("\n", 1)[0].split()[1 : TIMES + 1]]
    return (sum(times) - sum(times[IDLE])) / os.sysconf("SC_CLK_TCK")
