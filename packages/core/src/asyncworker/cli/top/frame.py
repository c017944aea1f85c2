"""One frame: a heading, and a table of each kind of thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from asyncworker.cli.top.rates import keyed
from asyncworker.cli.top.words import amount, cleaned, duration, rate
from asyncworker.plural import counted, lasting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from asyncworker.cli.top.rates import Key, Rates
    from asyncworker.status import Snapshot
    from asyncworker.status.shapes import Blocked, Link, Place, Problem, Running, Work

STATES: Final = {
    "working": ("●", "green"),
    "waiting": ("▲", "bold red"),
    "starting": ("◌", "yellow"),
    "paused": ("‖", "yellow"),
    "draining": ("▼", "yellow"),
    "ended": ("■", "yellow"),
}
"""How a state is told: by a sign, beside its word, and by a color."""
COUNTS: Final = ("RATE", "", "MEAN TIME", "IN FLIGHT", "WAITING", "OLDEST", "FAILURES")
"""Columns of what is done; the one without a name draws the rate."""
WORK: Final = ("STATE", *COUNTS, "WHY")
NUMBERS: Final = (*COUNTS, "FOR", "SIZE", "LOST")
LINES: Final = ("STATE", "AT", "WAITS AT", "WHY")
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
    failing = [one["name"] for one in snapshot["routes"] if _waits(one)]
    routes = counted(len(snapshot["routes"]), "route")
    said = Text(f"{snapshot['phase']} for {lasting(snapshot['at'] - snapshot['since'])}, {routes}")
    if processes := snapshot["processes"]:
        said.append(f", {counted(len(processes), 'process', 'processes')}")
    said.append(f", loop lag {duration(snapshot['loop']['lag'])}")
    if failing:
        names = cleaned(", ".join(dict.fromkeys(failing)))
        said.append(f"\n▲ {len(failing)} of {routes} cannot work: {names}", "bold red")
    return said


def _waits(work: Work) -> bool:
    return any(one["state"] == "waiting" for one in work["sources"])


def _tables(snapshot: Snapshot, rates: Rates) -> Iterable[Padding]:
    at = snapshot["at"]
    for name, works in (
        ("ROUTE", snapshot["routes"]),
        ("SCHEDULE", snapshot["schedules"]),
        ("PUBLISHING", snapshot["publishing"]),
    ):
        rows = [_row(key, work, rates, at) for key, work in keyed(works)]
        yield from _table((name, *WORK), rows)
    yield from _table(("HANDLER", "FOR", "SIZE", "WAITS AT"), map(_running, snapshot["handlers"]))
    blocked = filter(None, [snapshot["loop"]["last_blocked"]])
    yield from _table(("BLOCKED THE LOOP", "FOR", "AT"), map(_blocked, blocked))
    yield from _table(("CONNECTION", "STATE", "LOST"), map(_link, snapshot["connections"]))
    yield from _table(("PROBLEM", "WHY"), map(_problem, _others(snapshot)))


def _table(columns: Iterable[str], rows: Iterable[list[Text]]) -> Iterable[Padding]:
    """Yield a table, unless it would be empty."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for number, name in enumerate(columns):
        table.add_column(
            name,
            justify="right" if name in NUMBERS else "left",
            no_wrap=name not in LINES and number > 0,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*row)
    if table.rows:
        yield Padding(table, (1, 0, 0, 0))


def _row(key: Key, work: Work, rates: Rates, at: float) -> list[Text]:
    mean = duration(work["seconds"] / work["batches"]) if work["batches"] else "-"
    return [
        Text(cleaned(work["name"]), "bold"),
        Text("\n").join(_place(one, at) for one in work["sources"]),
        Text(rate(rates.now(key))),
        Text(rates.line(key), "cyan"),
        Text(mean),
        Text(amount(work["in_flight"])),
        Text(amount(work["waiting"])),
        Text(duration(work["oldest"]) if work["oldest"] else "-"),
        Text(amount(work["failures"]), "red" if work["failures"] else ""),
        _why(work, at),
    ]


def _place(place: Place, at: float) -> Text:
    name = cleaned(place["name"]) or "(default)"
    if place["state"] is None or place["since"] is None:
        return Text(name)
    sign, color = STATES.get(place["state"], ("●", "yellow"))
    since = _unbroken(lasting(at - place["since"]))
    return Text.assemble((f"{sign} {cleaned(place['state'])}", color), f" {name} ", (since, "dim"))


def _unbroken(text: str) -> str:
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _why(work: Work, at: float) -> Text:
    """Return why it does not work, or what was raised last."""
    reasons = [cleaned(one["reason"]) for one in work["sources"] if one["reason"] is not None]
    if reasons:
        return Text("\n".join(dict.fromkeys(reasons)), "red" if _waits(work) else "yellow")
    if (error := work["last_error"]) is None:
        return Text()
    return Text.assemble(cleaned(error["text"]), (f" {lasting(at - error['at'])} ago", "dim"))


def _running(one: Running) -> list[Text]:
    at = "-" if one["at"] is None else cleaned(one["at"])
    return [
        Text(cleaned(one["route"]), "bold"),
        Text(duration(one["seconds"])),
        Text(amount(one["size"])),
        Text(at),
    ]


def _blocked(one: Blocked) -> list[Text]:
    handler = "-" if one["handler"] is None else cleaned(one["handler"])
    return [Text(handler, "bold"), Text(duration(one["seconds"])), Text(cleaned(one["at"]))]


def _link(link: Link) -> list[Text]:
    state = Text("● open", "green") if link["is_open"] else Text("▲ lost", "bold red")
    return [Text(cleaned(link["name"]), "bold"), state, Text(amount(link["lost"]))]


def _others(snapshot: Snapshot) -> Iterable[Problem]:
    """Return the problems that are not told with the routes that they concern."""
    places = [place for work in snapshot["routes"] for place in work["sources"]]
    reasons = tuple(one["reason"] for one in places if one["reason"])
    return [one for one in snapshot["problems"] if not one["reason"].endswith(reasons)]


def _problem(problem: Problem) -> list[Text]:
    return [Text(cleaned(problem["subject"]), "bold"), Text(cleaned(problem["reason"]), "red")]
