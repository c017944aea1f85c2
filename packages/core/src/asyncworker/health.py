"""Whether the routes of an app work: of one process, and of several together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NotRequired, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from asyncworker.app import App
    from asyncworker.feed.activity import State
    from asyncworker.feed.feed import Phase

WELL: Final = ("working", "paused", "standing by", "ended")
"""States of what is as it should be. A stream is over when its server wants it so: a restart would
but ask again what it was told not to ask."""
SHORT: Final = 300
"""The most characters of a reason."""


class Standing(TypedDict):
    """Say how it stands with a queue, a stream, a path or a timetable, and with whose.

    kind, name: those of an `Activity`. since: seconds since 1970.
    """

    kind: str
    name: str
    source: str
    state: State
    since: float
    reason: str | None


class Health(TypedDict):
    """Say whether all works that should, and what does not.

    phase, since: of the run. routes: where it is one process. workers: where it is several, each of
    those that answered. problems: a line each.
    """

    ready: bool
    phase: NotRequired[Phase]
    since: NotRequired[float]
    routes: NotRequired[list[Standing]]
    workers: NotRequired[dict[str, Health]]
    problems: list[str]


def health(app: App) -> Health:
    """Return how it stands with the routes and schedules of an app in this process."""
    feed = app.feed
    routes = list(_standings(app))
    if feed.phase == "working":
        problems = [_problem(one) for one in routes if one["state"] not in WELL]
    else:
        problems = [f"the app is {feed.phase}"]
    return {
        "ready": not problems,
        "phase": feed.phase,
        "since": feed.since,
        "routes": routes,
        "problems": problems,
    }


def together(workers: Mapping[str, Health], silent: Mapping[str, str]) -> Health:
    """Return how it stands with several processes, which is as with the worst of them.

    silent: why some did not answer.
    """
    problems = [
        f"worker {worker}: {problem}"
        for worker, one in workers.items()
        for problem in one["problems"]
    ]
    problems += [f"worker {worker} {reason}" for worker, reason in silent.items()]
    return {"ready": not problems, "workers": dict(workers), "problems": problems}


def _standings(app: App) -> Iterator[Standing]:
    for activity in app.feed.activities:
        for name, source in activity.sources.items():
            yield {
                "kind": activity.kind,
                "name": activity.name,
                "source": name,
                "state": source.state,
                "since": source.since,
                "reason": None if source.reason is None else source.reason[:SHORT],
            }


def _problem(standing: Standing) -> str:
    reason = f": {standing['reason']}" if standing["reason"] else ""
    return f"{standing['name']}, {standing['source']}: {standing['state']}{reason}"
