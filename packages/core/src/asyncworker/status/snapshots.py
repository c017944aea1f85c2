"""How it stands with a run now."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from asyncworker.problems import problems_of
from asyncworker.status.longest import longest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.app import App
    from asyncworker.feed import Activity, Blockage, Feed, Statistics
    from asyncworker.status.shapes import (
        Blocked,
        Failure,
        Link,
        Loop,
        Place,
        Problem,
        Snapshot,
        Work,
    )

SHORT: Final = 300
"""The most characters of an error, or of a reason."""
APART: Final = ("schedule", "publish")
"""Kinds of activities that are no routes."""


def snapshot(app: App, statistics: Statistics) -> Snapshot:
    """Return how it stands with an app in this process, to be written as JSON.

    It is as large as the app has routes, and holds nothing of messages.

    statistics: what the feed of the app adds up to, by `app.feed.add(statistics)` before it ran.
    """
    app.feed.flush()
    activities = app.feed.activities
    return {
        "process": os.getpid(),
        "phase": app.feed.phase,
        "at": time.time(),
        "since": app.feed.since,
        "routes": [_work(one, statistics) for one in activities if one.kind not in APART],
        "schedules": [_work(one, statistics) for one in activities if one.kind == "schedule"],
        "publishing": [_work(one, statistics) for one in activities if one.kind == "publish"],
        "connections": _connections(statistics),
        "handlers": longest(one for one in activities if one.kind != "publish"),
        "loop": _loop(app.feed),
        "problems": list(_problems(app)),
        "processes": [],
    }


def _work(activity: Activity, statistics: Statistics) -> Work:
    load = activity.load()
    totals = statistics.totals.get(activity)
    return {
        "kind": activity.kind,
        "name": activity.name,
        "sources": _places(activity),
        "in_flight": load.in_flight,
        "waiting": load.waiting,
        "oldest": load.oldest,
        "batches": totals.seconds.count if totals else 0,
        "handled": int(totals.sizes.sum) if totals else 0,
        "seconds": totals.seconds.sum if totals else 0.0,
        "failures": activity.failures,
        "last_error": _last_error(activity),
    }


def _places(activity: Activity) -> list[Place]:
    outcomes: dict[str, dict[str, int]] = defaultdict(dict)
    for (source, outcome), number in activity.outcomes.items():
        outcomes[source][outcome] = number
    return [
        _place(name, activity, outcomes[name])
        for name in dict.fromkeys([*activity.sources, *outcomes])
    ]


def _place(name: str, activity: Activity, outcomes: dict[str, int]) -> Place:
    source = activity.sources.get(name)
    return {
        "name": name,
        "state": source.state if source else None,
        "reason": _cut(source.reason) if source and source.reason else None,
        "since": source.since if source else None,
        "outcomes": outcomes,
    }


def _last_error(activity: Activity) -> Failure | None:
    if activity.last_error is None:
        return None
    text, at = activity.last_error
    return {"text": _cut(text), "at": at}


def _connections(statistics: Statistics) -> list[Link]:
    return [
        {"name": name, "is_open": is_open, "lost": statistics.lost[name]}
        for name, is_open in statistics.connections.items()
    ]


def _loop(feed: Feed) -> Loop:
    return {
        "lag": feed.loop_lag,
        "blocked_seconds": feed.blocked_seconds,
        "last_blocked": None if feed.last_blocked is None else _blocked(feed.last_blocked),
    }


def _blocked(blockage: Blockage) -> Blocked:
    return {
        "process": os.getpid(),
        "handler": blockage.handler,
        "at": blockage.place,
        "since": blockage.since,
        "seconds": blockage.seconds,
    }


def _problems(app: App) -> Iterator[Problem]:
    for subject, reason in problems_of(app.connections.all, app.routes):
        yield {"subject": subject, "reason": _cut(reason)}


def _cut(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[:SHORT]}..."
