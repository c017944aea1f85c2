"""Rows of the tables: what is told of each thing."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from rich.text import Text

from asyncworker.cli.top.words import amount, cleaned, duration, rate
from asyncworker.plural import lasting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asyncworker.cli.top.rates import Key, Rates
    from asyncworker.status import Snapshot
    from asyncworker.status.shapes import Link, Place, Running, Work

Row = list[Text]

STATES: Final = {
    "working": ("●", "green"),
    "waiting": ("▲", "bold red"),
    "starting": ("◌", "yellow"),
    "paused": ("‖", "yellow"),
    "standing by": ("○", "green"),
    "draining": ("▼", "yellow"),
    "ended": ("■", "yellow"),
}
"""How a state is told: by a sign, beside its word, and by a color."""
FINE: Final = ("working", "standing by")
"""What is no problem, whatever is told of it."""
UNKNOWN: Final = ("●", "yellow")


def waits(work: Work) -> bool:
    """Tell whether something of it cannot be worked on."""
    return any(one["state"] == "waiting" for one in work["sources"])


def work(key: Key, work: Work, rates: Rates, at: float) -> Row:
    """Return what a handler, or a connection that is published by, does."""
    return [
        _name(work["name"]),
        Text("\n").join(map(_state, work["sources"])),
        Text("\n".join(_since(one, at) for one in work["sources"]), "dim"),
        Text(rate(rates.now(key))),
        Text(rates.line(key), "cyan"),
        Text(duration(work["seconds"] / work["batches"]) if work["batches"] else "-"),
        Text(amount(work["in_flight"])),
        Text(amount(work["waiting"])),
        Text(duration(work["oldest"]) if work["oldest"] else "-"),
        Text(amount(work["failures"]), "red" if work["failures"] else ""),
    ]


def problems(snapshot: Snapshot) -> Iterator[Row]:
    """Yield why routes are as they are, and what is wrong besides."""
    reasons = []
    for route in snapshot["routes"]:
        for place in route["sources"]:
            if place["reason"] and place["state"] not in FINE:
                reasons.append(place["reason"])
                yield [_name(f"{route['name']}: {place['name']}"), _wrong(place["reason"])]
    for problem in snapshot["problems"]:
        # Most are those of routes.
        if not problem["reason"].endswith(tuple(reasons)):
            yield [_name(problem["subject"]), _wrong(problem["reason"])]


def errors(snapshot: Snapshot) -> Iterator[Row]:
    """Yield what was raised last, by each handler that something was raised by."""
    for one in _works(snapshot):
        if (error := one["last_error"]) is not None:
            ago = lasting(snapshot["at"] - error["at"])
            yield [_name(one["name"]), _wrong(error["text"]), Text(ago)]


def running(one: Running) -> Row:
    """Return what a handler is at, and where it waits."""
    at = Text("-" if one["at"] is None else cleaned(one["at"]))
    return [_name(one["route"]), Text(duration(one["seconds"])), Text(amount(one["size"])), at]


def blocked(snapshot: Snapshot) -> Iterator[Row]:
    """Yield what blocked the event loop last, if anything did."""
    if (one := snapshot["loop"]["last_blocked"]) is not None:
        ago = lasting(snapshot["at"] - one["since"])
        yield [
            _name("-" if one["handler"] is None else one["handler"]),
            Text(duration(one["seconds"])),
            Text(ago),
            Text(cleaned(one["at"])),
        ]


def link(link: Link) -> Row:
    """Return how it stands with a connection."""
    state = Text("● open", "green") if link["is_open"] else Text("▲ lost", "bold red")
    return [_name(link["name"]), state, Text(amount(link["lost"]))]


def _works(snapshot: Snapshot) -> Iterable[Work]:
    return chain(snapshot["routes"], snapshot["schedules"], snapshot["publishing"])


def _state(place: Place) -> Text:
    name = cleaned(place["name"]) or "(default)"
    if place["state"] is None:
        return Text(name)
    sign, color = STATES.get(place["state"], UNKNOWN)
    return Text.assemble((f"{sign} {cleaned(place['state'])}", color), f" {name}")


def _since(place: Place, at: float) -> str:
    return "" if place["since"] is None else lasting(at - place["since"])


def _name(text: str) -> Text:
    return Text(cleaned(text), "bold")


def _wrong(text: str) -> Text:
    return Text(cleaned(text), "red")
