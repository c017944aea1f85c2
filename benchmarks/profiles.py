"""Where the time goes in what did not reach its target."""

import pstats
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.measure import Subject

PROFILED: Final = frozenset({"consume", "publish", "http", "follow", "clock"})
"""Kinds whose work is done in one Python process."""
SHOWN: Final = 15
WAITING: Final = "select.epoll"
HOMES: Final = ("site-packages/", "src/", "lib/python3")

Profile = list[tuple[str, float]]


def profile(subject: Subject) -> Profile:
    """Return the functions that take most, each with the percent that it takes itself.

    The time in which the process waits is no part of the whole.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "profile"
        replace(subject, profile=path).measure()
        # Typeshed does not know of it.
        functions: dict[Any, Any] = vars(pstats.Stats(str(path)))["stats"]
    taken = {
        name: numbers[2]
        for (file, line, function), numbers in functions.items()
        if WAITING not in (name := called(file, line, function))
    }
    whole = sum(taken.values())
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
