"""The drills' rows, as a table."""

from collections.abc import Iterable
from itertools import groupby

from tests.faults.drill import Row

HEAD = ("fault", "handled", "lost", "duplicates", "seconds to recover", "verdict")
NONE = "-"


def markdown(rows: Iterable[Row]) -> str:
    """Return a table in Markdown, with a heading for each section."""
    parts = []
    for section, members in groupby(rows, key=lambda row: row.section):
        lines = [_line(HEAD), _line(["---", *["---:"] * 4, "---"]), *map(_markdown, members)]
        parts.append("\n".join([f"### {section}", "", *lines]))
    return "\n\n".join(parts) + "\n"


def text(rows: Iterable[Row]) -> str:
    """Return a table for a terminal."""
    table = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:-1], widths[1:-1]), line[-1]])
        for line in table
    )


def _cells(row: Row) -> tuple[str, ...]:
    duplicates = NONE if row.duplicates is None else "{} (≤ {})".format(*row.duplicates)
    seconds = NONE if row.seconds is None else "{:.1f} (≤ {:g})".format(*row.seconds)
    return (
        row.fault,
        _count(row.handled),
        _count(row.lost),
        duplicates,
        seconds,
        row.verdict,
    )


def _markdown(row: Row) -> str:
    return _line(cell.replace("|", "\\|") for cell in _cells(row))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _count(number: int | None) -> str:
    return NONE if number is None else f"{number:,}"
