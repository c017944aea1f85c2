"""How it stands with what a route is read from, for problems, the feed and the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncworker.feed import Activity
    from asyncworker.polling.route import PolledRoute

log = logging.getLogger(__name__)


class Standing:
    """Show what keeps a route from being read as long as that lasts, and log each change once."""

    def __init__(self, route: PolledRoute, activity: Activity) -> None:
        self._route = route
        self._activity = activity
        self._problems = route.connection.problems
        self._problem: str | None = None
        self._shown: str | None = None

    def works(self) -> None:
        """Show that it is read."""
        self._problem = None
        self.turned()

    def waits(self, problem: str) -> None:
        """Show that it cannot be read now, and why."""
        self._problem = problem
        self.turned()

    def turned(self) -> None:
        """Show whether it is paused, which counts before all else."""
        circuit = self._route.circuit
        is_paused = circuit.state == "paused"
        problem = f"paused {circuit.duration}: {circuit.reason}" if is_paused else self._problem
        for name in self._route.routes:
            if problem is None:
                self._activity.works(name)
                self._problems.pop(self._route.subject(name), None)
            else:
                tell = self._activity.pauses if is_paused else self._activity.waits
                tell(name, problem)
                self._problems[self._route.subject(name)] = problem
        if problem is not None and problem != self._shown:
            log.warning("handler %s: %s", self._route.handler_name, problem)
        self._shown = problem

    def end(self) -> None:
        """Show nothing any more."""
        for name in self._route.routes:
            self._problems.pop(self._route.subject(name), None)
