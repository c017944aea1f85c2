"""What came of a soak."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from tests.faults.ledger import Ledger
from tests.faults.run import order
from tests.soak.record import kind_of

SHOWN = 10
HEAD = (
    "with",
    "date",
    "minutes",
    "seed",
    "faults",
    "confirmed",
    "lost",
    "duplicates",
    "seconds to recover",
    "verdict",
)


def command(seed: int, minutes: float) -> str:
    """Return what runs the same soak again."""
    return f"hatch run soak --minutes {minutes:g} --seed {seed}"


@dataclass
class Summary:
    """Hold the result of a soak. memory: bytes of each process, at the start and at the end."""

    seed: int
    minutes: float
    rabbitmq: str
    python: str
    date: str
    faults: dict[str, int] = field(default_factory=dict)
    confirmed: dict[str, int] = field(default_factory=dict)
    handled: int = 0
    lost: int = 0
    duplicates: int = 0
    allowed: int = 0
    longest: float = 0.0
    memory: dict[str, tuple[int, int]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @classmethod
    def all(cls, folder: Path) -> list[Self]:
        """Return the summaries that were kept in a folder, by the version of their broker."""
        kept = [cls(**json.loads(file.read_text())) for file in sorted(folder.glob("soak-*.json"))]
        return sorted(kept, key=lambda one: order(one.rabbitmq))

    def write(self, file: Path) -> None:
        """Keep it."""
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{json.dumps(asdict(self), indent=1, ensure_ascii=False)}\n")

    def account(self, ledger: Ledger, allowed: int) -> None:
        """Hold the ledger against the promise."""
        self.confirmed = dict(sorted(Counter(map(kind_of, ledger.confirmed)).items()))
        self.handled = ledger.handled.total()
        self.lost = len(ledger.lost)
        self.duplicates = ledger.duplicates
        self.allowed = allowed
        if ledger.lost:
            self.failures.append(f"{len(ledger.lost)} lost: {_some(ledger.lost)}")
        if ledger.unexpected:
            self.failures.append(f"nobody published {_some(ledger.unexpected)}")
        if self.duplicates > allowed:
            self.failures.append(f"{self.duplicates} duplicates, {allowed} are allowed")

    def lines(self) -> Iterable[str]:
        """Return what is printed."""
        yield f"seed {self.seed}, {self.minutes:g} minutes"
        yield f"RabbitMQ {self.rabbitmq}, Python {self.python}"
        yield f"faults: {sum(self.faults.values())}"
        yield from (f"  {count:5,}  {kind}" for kind, count in self.faults.items())
        yield f"confirmed: {sum(self.confirmed.values()):,}"
        yield from (f"  {count:7,}  {kind}" for kind, count in self.confirmed.items())
        yield f"handled: {self.handled:,}, duplicates included"
        yield f"lost: {self.lost}"
        yield f"duplicates: {self.duplicates:,} (≤ {self.allowed:,})"
        yield f"longest time to recover: {self.longest:.1f} s"
        for name, (first, last) in self.memory.items():
            yield f"memory of {name}: {_mib(first)} at the start, {_mib(last)} at the end"
        for failure in self.failures:
            yield f"FAILED: {failure}"


def markdown(summaries: Collection[Summary]) -> str:
    """Return a table in Markdown."""
    rows = [HEAD, ["---", "---", *["---:"] * (len(HEAD) - 3), "---"], *map(_cells, summaries)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(one: Summary) -> tuple[str, ...]:
    return (
        f"RabbitMQ {one.rabbitmq}, Python {one.python}",
        one.date,
        f"{one.minutes:g}",
        str(one.seed),
        f"{sum(one.faults.values()):,}",
        f"{sum(one.confirmed.values()):,}",
        f"{one.lost:,}",
        f"{one.duplicates:,} (≤ {one.allowed:,})",
        f"{one.longest:.1f}",
        "BROKEN" if one.failures else "kept",
    )


def _some(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids)[:SHOWN])


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
