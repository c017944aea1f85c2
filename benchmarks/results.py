"""What was measured: every run of every subject, and what is said about them."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Self

from benchmarks.window import Result


@dataclass(frozen=True)
class Spread:
    """Say what several turns gave; nothing is left out."""

    median: float
    low: float
    high: float
    turns: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Self | None:
        """Return the spread of some values, None of none."""
        found = sorted(values)
        return cls(median(found), found[0], found[-1], len(found)) if found else None


@dataclass(frozen=True)
class Value:
    """Point at one metric of one peer in one case."""

    case: str
    peer: str
    metric: str


@dataclass
class Results:
    """Hold one run of the benchmark.

    taken: the day. absent: why a peer could not be had, by its name. failures: what went wrong,
    a line each. runs: by case and peer, the results of the turns in their order. profiles: by
    case, functions of ours and the percent that each takes.
    """

    taken: str = ""
    rounds: int = 0
    machine: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    runs: dict[str, dict[str, list[Result]]] = field(default_factory=dict)
    profiles: dict[str, list[tuple[str, float]]] = field(default_factory=dict)

    def add(self, case: str, peer: str, result: Result) -> None:
        """Note one run."""
        self.runs.setdefault(case, {}).setdefault(peer, []).append(result)

    def peers(self, case: str) -> list[str]:
        """Return who was measured, in the order in which they took turns."""
        return list(self.runs.get(case, {}))

    def values(self, value: Value) -> list[float]:
        """Return one metric of each turn."""
        runs = self.runs.get(value.case, {}).get(value.peer, [])
        return [run[value.metric] for run in runs if value.metric in run]

    def spread(self, value: Value) -> Spread | None:
        """Return the spread of one metric."""
        return Spread.of(self.values(value))

    def ratio(self, one: Value, other: Value) -> Spread | None:
        """Return one in terms of the other, turn by turn: what slows the machine slows both."""
        pairs = zip(self.values(one), self.values(other), strict=False)
        return Spread.of(first / second for first, second in pairs)

    def renew(self, part: "Results") -> None:
        """Take in cases of another run, on the same machine with the same versions.

        Raises: ValueError
        """
        for mine, theirs in ((self.machine, part.machine), (self.versions, part.versions)):
            for name in mine.keys() & theirs.keys():
                if mine[name] != theirs[name]:
                    reason = f"{name} was {mine[name]}, and is {theirs[name]}"
                    raise ValueError(f"measure all anew: {reason}")
        self.taken = part.taken
        self.versions |= part.versions
        self.absent |= part.absent
        self.failures += part.failures
        self.runs |= part.runs
        others = {case: of for case, of in self.profiles.items() if case not in part.runs}
        self.profiles = others | part.profiles

    def write(self, path: Path) -> None:
        """Keep it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what was kept."""
        return cls(**json.loads(path.read_text()))
