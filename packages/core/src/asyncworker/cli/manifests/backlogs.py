"""What waits for an app, and what a fixed number of replicas has to see to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.backend import Scaling, load_backend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.app import App
    from asyncworker.backend import Backlog


def backlogs_of(app: App) -> list[Backlog]:
    """Return what waits for the routes of an app, of those that have something waiting."""
    return [
        backlog
        for route_type in sorted({route.type for route in app.routes}, key=repr)
        if isinstance(backend := load_backend(route_type), Scaling)
        for backlog in backend.backlogs(app, [one for one in app.routes if one.type == route_type])
    ]


def not_scaled(app: App, backlogs: list[Backlog]) -> Iterator[str]:
    """Yield a line for each thing that more replicas would not help, or that is not counted."""
    for one in backlogs:
        if one.trigger is None:
            yield f"{one.source}, handler {one.route.handler_name}: {one.reason}"
    for route in app.routes:
        if all(one.route is not route for one in backlogs):
            reason = f"{route.type!r} has no backlog to count"
            yield f"{', '.join(route.routes)}, handler {route.handler_name}: {reason}"
    for schedule in app.schedules:
        if schedule.claim is None:
            reason = "each replica runs it: once=True has one alone run it"
        else:
            reason = "one replica among all runs it (once)"
        yield f"{schedule.timetable}, handler {schedule.handler_name}: {reason}"
