"""The drills' rows, of one run or of several side by side, as a table."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from tests.faults.drill import Row

HEAD = ("fault", "handled", "lost", "duplicates", "seconds to recover", "verdict")
NONE = "-"
BETWEEN = " · "
"""Stands between the values of several runs."""

Drill = tuple[str, str]
"""The section and the fault, which name a drill."""


def markdown(runs: Sequence[Iterable[Row]]) -> str:
    """Return tables in Markdown, with a heading for each section.

    runs: the rows of each; a drill that a run has not has a dash there.
    """
    by_drill = [{(row.section, row.fault): row for row in rows} for rows in runs]
    parts = []
    for section, drills in groupby(_drills(by_drill), key=lambda drill: drill[0]):
        lines = [_line(HEAD), _line(["---", *["---:"] * 4, "---"])]
        lines += [_line(_side_by_side(drill, by_drill)) for drill in drills]
        parts.append("\n".join([f"### {section}", "", *lines]))
    return "\n\n".join(parts) + "\n"


def text(rows: Iterable[Row]) -> str:
    """Return a table for a terminal."""
    table = [HEAD, *((row.fault, *_cells([row])) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:-1], widths[1:-1]), line[-1]])
        for line in table
    )


def _drills(runs: Iterable[dict[Drill, Row]]) -> list[Drill]:
    """Return the drills of all runs, by section, in the order of the first run that has them."""
    drills = dict.fromkeys(drill for run in runs for drill in run)
    sections = list(dict.fromkeys(section for section, _ in drills))
    return sorted(drills, key=lambda drill: sections.index(drill[0]))


def _side_by_side(drill: Drill, runs: Iterable[dict[Drill, Row]]) -> tuple[str, ...]:
    return (drill[1], *_cells([run.get(drill) for run in runs]))


def _cells(rows: Sequence[Row | None]) -> tuple[str, ...]:
    return (
        _joined([NONE if row is None else _count(row.handled) for row in rows]),
        _joined([NONE if row is None else _count(row.lost) for row in rows]),
        _bounded([row and row.duplicates for row in rows], "{:,}", "{:,}"),
        _bounded([row and row.seconds for row in rows], "{:.1f}", "{:g}"),
        _joined([NONE if row is None else row.verdict for row in rows]),
    )


def _bounded(values: Sequence[tuple[float, float] | None], form: str, bound_form: str) -> str:
    """Return values with the most that is allowed: once, where it is the same for all."""
    texts = [NONE if value is None else form.format(value[0]) for value in values]
    bounds = ["" if value is None else f" (≤ {bound_form.format(value[1])})" for value in values]
    (bound, *others) = set(filter(None, bounds)) or {""}
    if others:
        return _joined([f"{text}{bound}" for text, bound in zip(texts, bounds, strict=True)])
    return f"{_joined(texts)}{bound}"


def _joined(texts: Sequence[str]) -> str:
    return texts[0] if len(set(texts)) == 1 else BETWEEN.join(texts)


def _line(cells: Iterable[str]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _count(number: int | None) -> str:
    return NONE if number is None else f"{number:,}"
