"""One frame: a heading, and a table of each kind of thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from asyncworker.cli.top import rows
from asyncworker.cli.top.rates import keyed
from asyncworker.cli.top.words import cleaned, duration
from asyncworker.plural import counted, lasting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import JustifyMethod, RenderableType

    from asyncworker.cli.top.rates import Rates
    from asyncworker.cli.top.rows import Row
    from asyncworker.status import Snapshot

COUNTS: Final = ("RATE", "", "MEAN", "IN FLIGHT", "WAITING", "OLDEST", "FAILED")
"""Columns of what is done; the one without a name draws the rate."""
NUMBERS: Final = {*COUNTS, "SINCE", "FOR", "SIZE", "LOST", "AGO"}
LINES: Final = {"WHY", "AT", "LAST ERROR"}
"""Columns that may need more than one line."""


def frame(place: str, snapshot: Snapshot | None, rates: Rates, lost: str | None) -> RenderableType:
    """Return a frame.

    place: the URL of the monitor. snapshot: None as long as there was none. lost: why there is none
    now.
    """
    parts: list[RenderableType] = [Text.assemble(("asyncworker", "bold"), f"  {cleaned(place)}")]
    if lost is not None:
        parts.append(Text(f"▲ {cleaned(lost)}", "bold red"))
    if snapshot is not None:
        parts += [_news(snapshot), *_tables(snapshot, rates)]
    return Group(*parts)


def _news(snapshot: Snapshot) -> Text:
    failing = [one["name"] for one in snapshot["routes"] if rows.waits(one)]
    routes = counted(len(snapshot["routes"]), "route")
    facts = [f"{snapshot['phase']} for {lasting(snapshot['at'] - snapshot['since'])}", routes]
    if processes := snapshot["processes"]:
        facts.append(counted(len(processes), "process", "processes"))
    facts.append(f"loop lag {duration(snapshot['loop']['lag'])}")
    said = Text(cleaned(", ".join(facts)))
    if failing:
        names = cleaned(", ".join(dict.fromkeys(failing)))
        said.append(f"\n▲ {len(failing)} of {routes} cannot work: {names}", "bold red")
    return said


def _tables(snapshot: Snapshot, rates: Rates) -> Iterable[Padding]:
    at = snapshot["at"]
    for name, works in (
        ("ROUTE", snapshot["routes"]),
        ("SCHEDULE", snapshot["schedules"]),
        ("PUBLISHING", snapshot["publishing"]),
    ):
        found = [rows.work(key, one, rates, at) for key, one in keyed(works)]
        yield from _table((name, "STATE", "SINCE", *COUNTS), found)
    yield from _table(("PROBLEM", "WHY"), rows.problems(snapshot))
    yield from _table(("HANDLER", "LAST ERROR", "AGO"), rows.errors(snapshot))
    yield from _table(("HANDLER", "FOR", "SIZE", "AT"), map(rows.running, snapshot["handlers"]))
    yield from _table(("BLOCKED THE LOOP", "FOR", "AGO", "AT"), rows.blocked(snapshot))
    yield from _table(("CONNECTION", "STATE", "LOST"), map(rows.link, snapshot["connections"]))


def _table(columns: Iterable[str], found: Iterable[Row]) -> Iterable[Padding]:
    """Yield a table, unless it would be empty."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns:
        justify: JustifyMethod = "right" if name in NUMBERS else "left"
        table.add_column(name, justify=justify, no_wrap=name not in LINES)
    for row in found:
        table.add_row(*row)
    if table.rows:
        yield Padding(table, (1, 0, 0, 0))
