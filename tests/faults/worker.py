"""A worker as users start it: a process with an exit code, a log and a record of what it did."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.faults.ledger import Ledger
from tests.faults.waiting import LIMIT, until

WORKERS = Path(__file__).parent / "workers"
LINES = 40
"""Of its log, how much a failure shows."""


class Worker:
    """See a worker's process from outside.

    output: its lines that are no log entries. log: its log entries, of stdout and stderr.
    """

    def __init__(self, process: asyncio.subprocess.Process, record: Path) -> None:
        self.pid = process.pid
        self.output: list[str] = []
        self.log: list[dict[str, Any]] = []
        self._process = process
        self._record = record
        self._record_read = 0
        self._notes: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._changed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def started(
        cls, script: Path, record: Path, environment: dict[str, str], stdout: int = PIPE
    ) -> AsyncIterator["Worker"]:
        """Run a script; kill it at the end if it still runs.

        record: the file that its handlers write to.
        stdout: a descriptor that its stdout and stderr go to, in place of `output` and `log`.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(script),
            env=os.environ | {"PYTHONUNBUFFERED": "1", "RECORD": str(record)} | environment,
            stdout=stdout,
            stderr=stdout,
            limit=2**24,
        )
        worker = cls(process, record)
        async with asyncio.TaskGroup() as group:
            group.create_task(worker._read(process.stdout))
            group.create_task(worker._read(process.stderr))
            try:
                yield worker
            finally:
                if process.returncode is None:
                    process.kill()
                await process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    async def port(self) -> int:
        """Return the port that its HTTP server took, waiting for it."""
        entry = await self.logged("listening on")
        return int(entry["msg"].rpartition(":")[2])

    async def end(self, limit: float = LIMIT) -> int:
        """Return the exit code, waiting for the end."""
        async with asyncio.timeout(limit):
            return await self._process.wait()

    async def logged(self, text: str, count: int = 1, limit: float = LIMIT) -> dict[str, Any]:
        """Return the `count`th log entry with this text, waiting for it."""
        try:
            async with asyncio.timeout(limit):
                while len(found := self.entries(text)) < count:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            missing = f"no {text!r} ({count} times) within {limit:g} s in:"
            raise AssertionError("\n".join([missing, *map(str, self.log), *self.output])) from None
        return found[count - 1]

    def entries(self, text: str) -> list[dict[str, Any]]:
        """Return the log entries with this text."""
        return [entry for entry in self.log if text in str(entry["msg"])]

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """Return the log entries above INFO."""
        return [entry for entry in self.log if entry["level"] not in ("DEBUG", "INFO")]

    def notes(self, event: str) -> list[dict[str, Any]]:
        """Return what the drill's handlers noted under this name so far."""
        self._read_record()
        return list(self._notes[event])

    async def noted(self, event: str, count: int = 1, limit: float = LIMIT) -> None:
        """Wait until handlers noted something this often."""
        await self._until(
            lambda: len(self.notes(event)) >= count,
            f"{event!r} noted {count} times",
            limit,
        )

    async def handled(self, ids: set[str], limit: float = LIMIT) -> None:
        """Wait until handlers had all of these messages."""
        await self._until(
            lambda: ids <= {note["id"] for note in self.notes("handled")},
            f"{len(ids)} messages handled",
            limit,
        )

    def account(self, ledger: Ledger) -> None:
        """Enter into the ledger what was handled, and what was published."""
        ledger.attempted |= {note["id"] for note in self.notes("attempted")}
        ledger.confirmed |= {note["id"] for note in self.notes("confirmed")}
        for note in self.notes("handled"):
            ledger.handled[note["id"]] += 1
            ledger.redelivered[note["id"]] += note["redelivered"]

    @property
    def memory(self) -> int:
        """Return the resident set size, in bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    @property
    def peak_memory(self) -> int:
        """Return the most that `memory` ever was."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    @property
    def cpu(self) -> float:
        """Return the seconds of CPU it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def _until(self, condition: Callable[[], object], what: str, limit: float) -> None:
        try:
            await until(condition, what, limit)
        except AssertionError as error:
            raise AssertionError("\n".join([str(error), *map(str, self.log[-LINES:])])) from None

    def _read_record(self) -> None:
        """Read on: the record of a long drill is too large to be read again at each look."""
        if not self._record.exists():
            return
        with self._record.open("rb") as record:
            record.seek(self._record_read)
            # A worker that is killed may leave its last line unfinished.
            whole, end, _ = record.read().rpartition(b"\n")
        self._record_read += len(whole + end)
        for note in map(json.loads, whole.splitlines()):
            self._notes[note["event"]].append(note)

    async def _read(self, stream: asyncio.StreamReader | None) -> None:
        while stream is not None and (line := (await stream.readline()).decode()):
            if line.startswith("{"):
                self.log.append(json.loads(line))
            else:
                self.output.append(line.rstrip("\n"))
            self._changed.set()
