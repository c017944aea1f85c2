"""Several processes of one app, as one."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Final

from asyncworker.status.longest import MOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from asyncworker.status.shapes import Link, Loop, Place, Problem, Snapshot, Work

PHASES: Final = ("off", "draining", "starting", "working")
STATES: Final = ("waiting", "starting", "draining", "paused", "ended", "working", "standing by")
"""That of several comes first which is to be looked at first."""


def together(snapshots: Sequence[Snapshot]) -> Snapshot:
    """Return what several processes of one app do together, with each of them as `processes`.

    Numbers are added up; of phases and states that is told which is the farthest from working.

    snapshots: one at the least.
    """
    phase = min((one["phase"] for one in snapshots), key=PHASES.index)
    return {
        "process": None,
        "phase": phase,
        "at": max(one["at"] for one in snapshots),
        "since": max(one["since"] for one in snapshots if one["phase"] == phase),
        "routes": _works(snapshots, lambda one: one["routes"]),
        "schedules": _works(snapshots, lambda one: one["schedules"]),
        "publishing": _works(snapshots, lambda one: one["publishing"]),
        "connections": list(_links(snapshots)),
        "handlers": sorted(
            chain.from_iterable(one["handlers"] for one in snapshots),
            key=lambda one: -one["seconds"],
        )[:MOST],
        "loop": _loop([one["loop"] for one in snapshots]),
        "problems": list(_problems(snapshots)),
        "processes": list(snapshots),
    }


def _works(snapshots: Iterable[Snapshot], of: Callable[[Snapshot], list[Work]]) -> list[Work]:
    alike: dict[tuple[object, ...], list[Work]] = {}
    for snapshot in snapshots:
        # A handler may be there more than once.
        seen: Counter[tuple[str, str]] = Counter()
        for work in of(snapshot):
            name = work["kind"], work["name"]
            alike.setdefault((*name, seen[name]), []).append(work)
            seen[name] += 1
    return [_work(works) for works in alike.values()]


def _work(works: Sequence[Work]) -> Work:
    errors = [one["last_error"] for one in works if one["last_error"] is not None]
    return {
        "kind": works[0]["kind"],
        "name": works[0]["name"],
        "sources": list(_places(works)),
        "in_flight": sum(one["in_flight"] for one in works),
        "waiting": sum(one["waiting"] for one in works),
        "oldest": max(one["oldest"] for one in works),
        "batches": sum(one["batches"] for one in works),
        "handled": sum(one["handled"] for one in works),
        "seconds": sum(one["seconds"] for one in works),
        "failures": sum(one["failures"] for one in works),
        "last_error": max(errors, key=lambda one: one["at"], default=None),
    }


def _places(works: Iterable[Work]) -> Iterator[Place]:
    alike: dict[str, list[Place]] = {}
    for place in chain.from_iterable(one["sources"] for one in works):
        alike.setdefault(place["name"], []).append(place)
    for places in alike.values():
        yield _place(places)


def _place(places: Sequence[Place]) -> Place:
    outcomes: Counter[str] = Counter()
    for place in places:
        outcomes.update(place["outcomes"])
    told = min(places, key=lambda one: (_rank(one["state"]), one["since"] or 0.0))
    number = sum(one["state"] == told["state"] for one in places)
    return {**told, "reason": _reason(told, number, len(places)), "outcomes": dict(outcomes)}


def _rank(state: str | None) -> int:
    return len(STATES) if state is None else STATES.index(state)


def _reason(place: Place, number: int, processes: int) -> str | None:
    """Return why it is so, and in how many processes where it is not so in all."""
    if number == processes:
        return place["reason"]
    where = f"in {number} of {processes} processes"
    return where if place["reason"] is None else f"{where}: {place['reason']}"


def _links(snapshots: Iterable[Snapshot]) -> Iterator[Link]:
    alike: dict[str, list[Link]] = {}
    for link in chain.from_iterable(one["connections"] for one in snapshots):
        alike.setdefault(link["name"], []).append(link)
    for name, links in alike.items():
        lost = sum(one["lost"] for one in links)
        yield {"name": name, "is_open": all(one["is_open"] for one in links), "lost": lost}


def _loop(loops: Sequence[Loop]) -> Loop:
    blocked = [one["last_blocked"] for one in loops if one["last_blocked"] is not None]
    return {
        "lag": max(one["lag"] for one in loops),
        "blocked_seconds": sum(one["blocked_seconds"] for one in loops),
        "last_blocked": max(blocked, key=lambda one: one["since"], default=None),
    }


def _problems(snapshots: Iterable[Snapshot]) -> Iterator[Problem]:
    """Yield each once: most are those of all processes."""
    known: set[tuple[str, str]] = set()
    for problem in chain.from_iterable(one["problems"] for one in snapshots):
        if (pair := (problem["subject"], problem["reason"])) not in known:
            known.add(pair)
            yield problem
