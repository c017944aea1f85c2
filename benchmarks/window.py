"""What a subject measures of itself, between the end of the warm-up and its last message.

Subjects of all environments read this file, so that it needs nothing but the standard library.
"""

import asyncio
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.jobs import Consume, Follow, Publish

Result = dict[str, float]
PAGE = resource.getpagesize()
MEMORY = Path("/proc/self/statm")


class Window:
    """Count messages; read the clocks when the warm-up ends, and when all are there.

    stop: called once, with the last message. begun: called when the warm-up ends, and measured.
    tail: how many of the last are not measured, as a
    batch that is not full waits for more before it is handled. endless: measure until the end,
    whenever that is.
    """

    def __init__(
        self,
        warmup: int,
        count: int,
        stop: Callable[[], object] = lambda: None,
        *,
        begun: Callable[[], object] = lambda: None,
        tail: int = 0,
        endless: bool = False,
    ) -> None:
        self._warmup = warmup
        self._total = warmup + count
        self._tail = tail
        self._stop = stop
        self._begun = begun
        self._endless = endless
        self.begin()

    def begin(self) -> None:
        """Measure anew, from the next message on."""
        self._seen = 0
        self._next = max(self._warmup, 1)
        self._began: Result | None = None
        self._ended: Result = {}

    def add(self, bodies: Sequence[Any]) -> None:
        """Count the messages of one handler call."""
        self._seen += len(bodies)
        if self._seen >= self._next:
            self._mark()

    def result(self) -> Result:
        """Return seconds and messages; `began` and `ended` are on a clock that processes share."""
        began, ended = self._began, self._ended
        if began is None or not ended:
            raise RuntimeError(f"only {self._seen} messages came")
        return {
            "messages": ended["seen"] - began["seen"],
            "cpu": ended["cpu"] - began["cpu"],
            "wall": ended["wall"] - began["wall"],
            "began": began["wall"],
            "ended": ended["wall"],
        }

    def _mark(self) -> None:
        reading = {"seen": self._seen, "cpu": time.process_time(), "wall": time.monotonic()}
        if self._began is None:
            self._began = reading
            # Nobody knows beforehand which message is the last when several share a queue.
            self._next = 0 if self._endless else self._total - self._tail
            self._begun()
        elif self._endless:
            self._ended = reading
        else:
            self._ended = self._ended or reading
            self._next = self._total
            if self._seen >= self._total:
                # A message more would be one that was counted twice.
                self._next = sys.maxsize
                self._stop()


class Latencies:
    """Note how old each message is; it has the sender's clock in its body."""

    def __init__(self, warmup: int, count: int, stop: Callable[[], object]) -> None:
        self._warmup = warmup
        self._total = warmup + count
        self._stop = stop
        self._taken: list[int] = []

    def add(self, bodies: Sequence[Any]) -> None:
        """Note the messages of one handler call."""
        now = time.monotonic_ns()
        self._taken.extend(now - body["sent"] for body in bodies)
        if len(self._taken) == self._total:
            self._stop()

    def result(self) -> Result:
        """Return milliseconds."""
        taken = sorted(self._taken[self._warmup :])
        return {
            "messages": len(taken),
            "p50_ms": taken[len(taken) // 2] / 1e6,
            "p99_ms": taken[len(taken) * 99 // 100] / 1e6,
        }


def window(job: Consume | Follow, stop: Callable[[], object]) -> Window | Latencies:
    """Return what measures the job."""
    if isinstance(job, Consume) and job.latency:
        return Latencies(job.warmup, job.count, stop)
    tail = job.bulk if job.bulk > 1 else 0
    endless = isinstance(job, Consume) and job.endless
    return Window(job.warmup, job.count, stop, tail=tail, endless=endless)


async def publish_all(
    job: Publish, publish: Callable[[], Awaitable[object]], *, each: int = 1
) -> Result:
    """Publish every message of the job, `in_flight` of them at once, `each` by one call."""
    measured = Window(job.warmup, job.count)
    sent = range(each)
    left = iter(range((job.warmup + job.count) // each))

    async def publisher() -> None:
        # The iterator is shared: each takes the next when its own is confirmed.
        for _ in left:
            await publish()
            measured.add(sent)

    await asyncio.gather(*(publisher() for _ in range(job.in_flight // each)))
    return measured.result()


def memory() -> float:
    """Return the megabytes that this process has in memory now; the most ever, where none says."""
    if MEMORY.exists():
        return int(MEMORY.read_text().split()[1]) * PAGE / 1e6
    return peak_memory()


def peak_memory() -> float:
    """Return the most megabytes that this process ever had in memory."""
    # Linux counts in kilobytes, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
