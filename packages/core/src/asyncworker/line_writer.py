"""Whole lines to stdout and stderr, without making the caller wait for whoever reads them."""

import io
import itertools
import os
import select
import stat
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import TextIO, cast

__all__ = ["LineWriter"]

# The most that POSIX lets a pipe take in one piece, and what poll() promises room for.
PIPE_BUF: int = getattr(select, "PIPE_BUF", 512)
BULK = 65_536
# A caller helps with this many batches at most: what fits into an empty pipe.
HELP = 16
PAUSE = 0.005
PATIENCE = 1.0


def descriptor(stream: TextIO) -> int | None:
    """Return the descriptor under a plain text file; None when only the stream knows how to write.

    Raises: ValueError when the stream is closed.
    """
    if type(stream) is not io.TextIOWrapper:
        return None
    raw = stream.buffer.raw if type(stream.buffer) is io.BufferedWriter else stream.buffer
    return raw.fileno() if type(raw) is io.FileIO else None


def current_stream(*, error: bool) -> TextIO | None:
    """Return what stands for stderr (or stdout) now, if anything does."""
    return getattr(sys, "stderr" if error else "stdout", None)


def writable(fd: int, timeout: float) -> bool:
    """Wait until a descriptor takes PIPE_BUF bytes, or has an error to report.

    timeout: seconds.
    """
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(timeout * 1000))


def room(fd: int) -> int | None:
    """Return how many bytes a descriptor takes at once; None when only writing can tell."""
    mode = os.fstat(fd).st_mode
    shared = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    if shared and hasattr(select, "poll"):
        return PIPE_BUF if writable(fd, 0) else 0
    return None if shared or os.isatty(fd) else sys.maxsize


def batch_size(stream: TextIO | None) -> int:
    """Return how many characters of whole lines go to a stream together.

    A pipe keeps up to PIPE_BUF in one piece, whoever else writes to it.
    """
    try:
        return BULK if type(stream) is io.TextIOWrapper and stream.isatty() else PIPE_BUF
    except ValueError:
        return PIPE_BUF


class Batch:
    """Some whole lines on their way to one stream, which may be closed, None or stalled."""

    def __init__(self, stream: TextIO | None, text: str) -> None:
        # None, like any odd object in its place, shows when it is written to.
        self._stream = cast("TextIO", stream)
        self._text = text
        self._rest: bytes | None = None
        self.needs_patience = False

    def send(self, *, patient: bool) -> bool:
        """Write what the stream takes now; tell whether the batch is done with.

        patient: wait for a terminal, which cannot say beforehand whether it would block.
        """
        try:
            return self._send(patient)
        except BlockingIOError:
            # Some other program made the descriptor non-blocking: it takes the rest later.
            return self._rest is None
        except Exception:  # noqa: BLE001 - any object can stand for stdout, and nobody is left to tell
            return True

    def wait(self, timeout: float) -> None:
        """Wait until the stream takes more, or turns out to be unusable.

        timeout: seconds.
        """
        try:
            writable(self._stream.fileno(), timeout)
        except (AttributeError, OSError, ValueError):
            return

    def _send(self, patient: bool) -> bool:
        fd = descriptor(self._stream)
        if fd is None:
            self._stream.write(self._text)
            self._stream.flush()
            return True
        if self._rest is None:
            self._rest = self._text.encode(self._stream.encoding, "backslashreplace")
        return self._send_rest(fd, self._rest, patient)

    def _send_rest(self, fd: int, rest: bytes, patient: bool) -> bool:
        # The descriptor, not the stream: a thread that is stuck inside a stream holds its lock,
        # and the interpreter needs that lock to exit.
        while rest:
            size = room(fd)
            self.needs_patience = size is None
            if size is None and patient:
                size = BULK
            if not size:
                return False
            # What was printed before comes first.
            self._stream.flush()
            rest = self._rest = rest[os.write(fd, rest[:size]) :]
        return True


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
        for _ in range(HELP):
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
            batch.wait(PATIENCE)
        calls = self._calls
        time.sleep(PAUSE)
        # As long as callers come by they do it faster: while they compute, this thread waits 5 ms
        # for the interpreter after each write, and would hold the lock meanwhile.
        if calls == self._calls or (batch and batch.needs_patience):
            with self._lock:
                self._drain(patient=True)
