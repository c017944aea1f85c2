"""Whole lines to stdout and stderr, without making the caller wait for whoever reads them."""

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from asyncworker.logs.nonblocking_output import Batch, batch_size, current_stream

# A caller helps with this many batches at most: what fits into an empty pipe.
MAX_BATCHES = 16
PAUSE = 0.005
WAIT_TIMEOUT = 1.0


class Gap:
    """Lines that found the queue full: how many."""

    def __init__(self) -> None:
        self._lost = itertools.count(1)

    def widen(self) -> None:
        """Count one line more, from any thread."""
        next(self._lost)

    def close(self) -> int:
        """Return how many lines were lost."""
        return next(self._lost)


class LineWriter:
    """Write lines to the current sys.stdout or sys.stderr, and never wait for their readers.

    A stream with room gets the line at once, from the caller: lines and prints keep their order.
    For one without, lines queue up; later callers, or a daemon thread, write them in their order.
    A caller uses only what bears being interrupted by itself (a deque, a SimpleQueue, a lock that
    it tries): finalizers and signal handlers log too, in the middle of anything.
    """

    def __init__(self, lost: Callable[[int], str], capacity: int = 10_000) -> None:
        """Take the line to write when `lost` lines found more than `capacity` lines waiting."""
        self._lost = lost
        self._capacity = capacity
        self.reset()

    def reset(self) -> None:
        """Forget lines, locks and threads: a forked child has none of its parent's threads."""
        self._queue: deque[tuple[bool, str] | Gap | threading.Event] = deque()
        self._gap: Gap | None = None
        self._batch: Batch | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._awake = False
        self._calls = 0
        self._finished = False

    def write(self, line: str, *, error: bool = False) -> None:
        """Write one line, newline included, to stdout or stderr; never raise or block."""
        if self._has_room():
            self._queue.append((error, line))
        self._advance()

    def flush(self, timeout: float) -> bool:
        """Wait until all lines queued so far are written or have no reader; tell whether they are.

        timeout: seconds.
        """
        reached = threading.Event()
        self._queue.append(reached)
        self._advance()
        return reached.wait(timeout)

    def finish(self, timeout: float) -> None:
        """Flush; from now on a terminal makes callers wait, since the thread may end at any time.

        timeout: seconds.
        """
        self.flush(timeout)
        self._finished = True

    def _has_room(self) -> bool:
        gap = self._gap
        # Losing goes on until half of the queue is free, so that an overload makes few gaps.
        if len(self._queue) <= (self._capacity // 2 if gap else self._capacity - 1):
            self._gap = None
            return True
        if gap:
            gap.widen()
        else:
            self._gap = Gap()
            self._queue.append(self._gap)
        return False

    def _advance(self) -> None:
        self._calls += 1
        self._try_to_drain(patient=self._finished)
        if self._busy():
            self._wake()

    def _try_to_drain(self, *, patient: bool) -> None:
        if self._lock.acquire(blocking=False):
            try:
                self._drain(patient=patient)
            finally:
                self._lock.release()

    def _busy(self) -> bool:
        return bool(self._queue) or self._batch is not None

    def _drain(self, *, patient: bool) -> None:
        for _ in range(MAX_BATCHES):
            self._batch = self._batch or self._next_batch()
            if self._batch is None or not self._batch.send(patient=patient):
                return
            self._batch = None

    def _next_batch(self) -> Batch | None:
        while self._queue:
            item = self._queue.popleft()
            if isinstance(item, tuple):
                return self._collect(*item)
            if isinstance(item, Gap):
                return Batch(current_stream(error=True), self._lost(item.close()))
            item.set()
        return None

    def _collect(self, error: bool, line: str) -> Batch:
        stream = current_stream(error=error)
        lines, free = [line], batch_size(stream) - len(line)
        while self._queue:
            head = self._queue[0]
            if not isinstance(head, tuple) or head[0] != error or len(head[1]) > free:
                break
            self._queue.popleft()
            lines.append(head[1])
            free -= len(head[1])
        return Batch(stream, "".join(lines))

    def _wake(self) -> None:
        if self._awake:
            return
        self._awake = True
        try:
            self._ensure_thread()
        except RuntimeError:
            # No threads are made any more at interpreter exit: wait as print() would.
            self._awake = False
            self._try_to_drain(patient=True)
        else:
            self._wakes.put(None)

    def _ensure_thread(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            thread = threading.Thread(target=self._run, name="asyncworker-lines", daemon=True)
            thread.start()
            self._thread = thread

    def _run(self) -> None:
        while True:
            self._wakes.get()
            self._awake = False
            while self._busy():
                self._relieve()

    def _relieve(self) -> None:
        batch = self._batch
        if batch:
            batch.wait(WAIT_TIMEOUT)
        calls = self._calls
        time.sleep(PAUSE)
        # As long as callers come by they do it faster: while they compute, this thread waits 5 ms
        # for the interpreter after each write, and would hold the lock meanwhile.
        if calls == self._calls or (batch and batch.needs_patience):
            with self._lock:
                self._drain(patient=True)
