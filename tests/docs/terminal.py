"""A terminal for the commands of a page: what one sets, the next one finds."""

import os
import signal
import subprocess
import sys
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

LIMIT = 60.0
"""Seconds that a command may take on a busy machine."""
INSTALLING = 300.0
"""Seconds that one may take which installs something."""
REMEMBER = """
code=$?
{ pwd && env -0; } > "$1"
exit $code
"""


class TookTooLong(Exception):
    """Report a command that neither ended nor printed what it should."""


class Job:
    """Hold a running command: what it prints is read all the time."""

    def __init__(self, command: list[str], folder: Path, variables: Mapping[str, str]) -> None:
        self.output = ""
        self._changed = threading.Condition()
        self._closed = False
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait(self, condition: Callable[[str], bool], limit: float | None = None) -> bool:
        """Tell whether the output fulfils the condition, waiting for it until the command ends.

        limit: seconds.
        Raises: TookTooLong
        """
        limit = limit or LIMIT
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self.output) or self._closed, limit):
                raise TookTooLong(f"not ended within {limit:g} s")
        return condition(self.output)

    def end(self, limit: float | None = None) -> int:
        """Return the exit code, waiting for it and for all of the output.

        limit: seconds.
        Raises: TookTooLong
        """
        limit = limit or LIMIT
        self.wait(lambda _: False, limit)
        try:
            return self._process.wait(limit)
        except subprocess.TimeoutExpired:
            raise TookTooLong(f"not ended within {limit:g} s") from None

    def interrupt(self) -> bool:
        """Send SIGINT, as Ctrl-C does; tell whether it still ran."""
        if self._process.poll() is not None:
            return False
        os.killpg(self._process.pid, signal.SIGINT)
        return True

    def close(self) -> None:
        """End whatever of it still runs."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        decoder = getincrementaldecoder("utf-8")(errors="replace")
        with stream:
            while data := os.read(stream.fileno(), 65536):
                with self._changed:
                    self.output += decoder.decode(data)
                    self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()


@dataclass
class Terminal:
    """Run commands by bash, one after another, in a folder and an environment that they change.

    memory: a file of the terminal's own.
    """

    folder: Path
    memory: Path
    variables: dict[str, str]

    @contextmanager
    def started(self, command: str) -> Iterator[Job]:
        """Start a command, and end it with the context; the next one finds what it set."""
        self.memory.unlink(missing_ok=True)
        with self.kept_running(f"set -a\n{command}\n{REMEMBER}", str(self.memory)) as job:
            yield job
        self._remember()

    @contextmanager
    def kept_running(self, command: str, *arguments: str) -> Iterator[Job]:
        """Start a command, and end it with the context."""
        line = ["bash", "-c", command, "bash", *arguments]
        job = Job(line, self.folder, self.variables)
        try:
            yield job
        finally:
            job.close()

    def _remember(self) -> None:
        if not self.memory.exists():
            return
        folder, _, variables = self.memory.read_text().partition("\n")
        pairs = (one.split("=", 1) for one in variables.split("\0") if "=" in one)
        self.folder, self.variables = Path(folder), dict(pairs)


PLAIN = {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", "TERM": "dumb"}


def usual_variables() -> dict[str, str]:
    """Return the environment of a user in whose PATH this Python comes first."""
    own = ("ASYNCWORKER_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    # The plugins that a reader has, and no others of this environment, which take a second.
    plugins = "pytest_asyncio.plugin,pytest_asyncworker"
    return {
        **kept,
        **PLAIN,
        "PATH": path,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_PLUGINS": plugins,
    }


def new_variables() -> dict[str, str]:
    """Return the environment of a user who has this Python, and nothing installed."""
    own = ("ASYNCWORKER_", "COVERAGE_", "PYTEST_", "PYTHON", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**kept, **PLAIN, "PATH": path}
