"""One run of the drills, kept as data."""

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Self

from tests.faults.drill import Row

RESULTS = Path(__file__).with_name("results")
"""Holds the runs that the page shows."""
LIBRARIES = ("aio-pika", "aiormq", "aiohttp", "pydantic")


def order(broker: str) -> tuple[int, ...]:
    """Return what sorts versions of RabbitMQ."""
    return tuple(map(int, broker.split("."))) if broker else ()


@dataclass(frozen=True)
class Run:
    """Hold the rows of a run, and what it was made on, with which versions."""

    date: str
    system: str
    versions: dict[str, str]
    rows: tuple[Row, ...]

    @classmethod
    def made(cls, rows: Iterable[Row], broker: str | None) -> Self:
        """Return the run that ends now.

        broker: the version of the RabbitMQ that was broken, if one was.
        """
        ours = sorted(
            one.name for one in distributions() if one.name.lower().startswith("asyncworker-")
        )
        versions = {"RabbitMQ": broker} if broker else {}
        versions["Python"] = platform.python_version()
        versions |= {name: version(name) for name in (*ours, *LIBRARIES)}
        system = f"{platform.system()} {platform.machine()} with {os.cpu_count()} CPUs"
        return cls(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", system, versions, tuple(rows))

    def upon(self, earlier: Self) -> Self:
        """Return this run of some drills, with the others as an earlier run had them.

        Raises: ValueError, when that one had other versions.
        """
        if earlier.versions != self.versions:
            raise ValueError(f"an earlier run had other versions: {earlier.versions}")
        rows = {(row.section, row.fault): row for row in (*earlier.rows, *self.rows)}
        date = f"{earlier.date}, {self.date}"
        return replace(self, date=date, rows=tuple(rows.values()))

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a run that was kept."""
        kept = json.loads(file.read_text())
        return cls(**kept | {"rows": tuple(map(_row, kept["rows"]))})

    @classmethod
    def all(cls, folder: Path = RESULTS) -> list[Self]:
        """Return the runs that were kept, by the version of their broker."""
        runs = map(cls.read, sorted(folder.glob("rabbitmq-*.json")))
        return sorted(runs, key=lambda run: order(run.broker))

    def write(self, file: Path) -> None:
        """Keep it."""
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{json.dumps(asdict(self), indent=1, ensure_ascii=False)}\n")

    @property
    def broker(self) -> str:
        """Return the version of RabbitMQ, "" if none was broken."""
        return self.versions.get("RabbitMQ", "")

    def __str__(self) -> str:
        kept = sum(row.verdict == "kept" for row in self.rows)
        versions = ", ".join(map(" ".join, self.versions.items()))
        return (
            f"Run of {self.date}, on {self.system}: {versions}. "
            f"{len(self.rows)} drills; {kept} kept their promise, {len(self.rows) - kept} did not."
        )


def _row(kept: dict[str, object]) -> Row:
    pairs = {name: tuple(kept[name]) if kept[name] else None for name in ("duplicates", "seconds")}
    return Row(**kept | pairs)
