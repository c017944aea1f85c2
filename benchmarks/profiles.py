"""Where the time, or the memory, goes in what did not reach its target."""

import json
import pstats
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.cases import QUEUED, RSS
from benchmarks.measure import Subject

PROFILED: Final = QUEUED | {"http", "follow", "clock", "idle"}
"""Kinds whose work is done in one Python process."""
SHOWN: Final = 15
WAITING: Final = "select.epoll"
HOMES: Final = ("site-packages/", "src/", "lib/python3")

Profile = list[tuple[str, float]]


def profile(subject: Subject) -> Profile:
    """Return what takes most, each with its percent: functions, or of an idle worker libraries."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "profile"
        (result,) = replace(subject, profile=path).measure()[subject.peer.name]
        if subject.case.kind == "idle":
            return _most(json.loads(path.read_text()), result[RSS])
        return _functions(path)


def _functions(path: Path) -> Profile:
    """Return the functions that take most themselves, of the time in which none waits."""
    # Typeshed does not know of it.
    functions: dict[Any, Any] = vars(pstats.Stats(str(path)))["stats"]
    taken = {
        name: numbers[2]
        for (file, line, function), numbers in functions.items()
        if WAITING not in (name := called(file, line, function))
    }
    return _most(taken, sum(taken.values()))


def _most(taken: dict[str, float], whole: float) -> Profile:
    most = sorted(taken.items(), key=lambda item: item[1], reverse=True)[:SHOWN]
    return [(name, 100 * own / whole) for name, own in most]


def called(file: str, line: int, function: str) -> str:
    """Return what a function is called, without the folders of this machine."""
    if file == "~":
        return function.strip("<>")
    for home in HOMES:
        _, found, rest = file.rpartition(home)
        if found:
            inner = rest.partition("/")[2] if home.startswith("lib/") else rest
            return f"{inner}:{line} {function}"
    return f"{Path(file).name}:{line} {function}"
