"""What stands for stdout or stderr now, written to without waiting for its reader."""

import io
import os
import select
import stat
import sys
from typing import TextIO, cast

# The most that POSIX lets a pipe take in one piece, and what poll() promises room for.
PIPE_BUF: int = getattr(select, "PIPE_BUF", 512)
BULK = 65_536


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


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether people read a stream, which may be closed, None or any other object."""
    try:
        return bool(cast("TextIO", stream).isatty())
    except Exception:  # noqa: BLE001 - any object can stand for stdout
        return False


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
