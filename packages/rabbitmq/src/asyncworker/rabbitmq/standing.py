"""How it stands with the queues of a route, as problems, the feed and the log tell."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncworker.feed import Activity
    from asyncworker.rabbitmq.route import AMQPRoute

log = logging.getLogger(__name__)


class Standing:
    """Tell of each queue whether it is consumed, and else why not, as long as that lasts.

    A route that is paused is not consumed on purpose: that is told, whatever else is wrong. One
    that tries a message is consumed, though it may wait for that message for long. At the end of a
    run nothing is a problem.
    """

    def __init__(self, route: AMQPRoute, activity: Activity) -> None:
        self._route = route
        self._activity = activity
        self._is_closed = False

    def begin(self) -> None:
        """Tell that nothing is consumed yet."""
        for queue in self._route.routes:
            self._problems[self._route.subject(queue)] = "not consumed yet"

    def close(self) -> None:
        """Report nothing more."""
        self._is_closed = True

    def end(self) -> None:
        """Forget all problems."""
        for queue in self._route.routes:
            self._problems.pop(self._route.subject(queue), None)
        if self._route.shards is not None:
            self.shares(self._route.shards.name)

    def works(self, queue: str) -> bool:
        """Tell that a queue is consumed, and return whether that is more than a try."""
        state = self._route.circuit.state
        if state == "paused":
            return False
        self._problems.pop(self._route.subject(queue), None)
        if self._is_closed:
            return False
        self._activity.works(queue)
        if state == "trying":
            return False
        log.info("%s: consuming", self._route.subject(queue))
        return True

    def waits(self, queue: str, problem: str) -> None:
        """Tell why a queue is not consumed; the log has it once."""
        if self._is_closed or self._route.circuit.state == "paused":
            return
        subject = self._route.subject(queue)
        if self._problems.get(subject) != problem:
            log.warning("%s: %s", subject, problem)
        self._problems[subject] = problem
        self._activity.waits(queue, problem)

    def is_unreachable(self, problem: str) -> None:
        """Tell why there is no connection; the link has logged it."""
        if self._is_closed or self._route.circuit.state == "paused":
            return
        for queue in self._route.routes:
            self._problems[self._route.subject(queue)] = f"not consumed: {problem}"
            self._activity.waits(queue, problem)

    def stands_by(self, queue: str, reason: str) -> None:
        """Tell that another process consumes a queue which this one may consume too."""
        if self._is_closed or self._route.circuit.state == "paused":
            return
        self._problems.pop(self._route.subject(queue), None)
        self._activity.stands_by(queue, reason)

    def cannot_share(self, name: str, problem: str) -> None:
        """Tell why nobody can say who consumes which shard; the log has it once."""
        subject = self._shared(name)
        if not self._is_closed and self._problems.get(subject) != problem:
            log.warning("%s: %s", subject, problem)
            self._problems[subject] = problem

    def shares(self, name: str) -> None:
        """Tell that shards are divided again."""
        self._problems.pop(self._shared(name), None)

    def is_paused(self) -> None:
        """Tell why the route takes nothing, and until when."""
        circuit = self._route.circuit
        problem = f"paused {circuit.duration}: {circuit.reason}"
        log.warning("handler %s: %s", self._route.handler_name, problem)
        for queue in self._route.routes:
            self._problems[self._route.subject(queue)] = problem
            self._activity.pauses(queue, problem)

    def tries(self) -> None:
        """Tell that the route tries one message."""
        reason = self._route.circuit.reason
        log.info("handler %s: tries one message: %s", self._route.handler_name, reason)

    @property
    def waiting(self) -> list[str]:
        """Return the queues that are not consumed."""
        return [
            queue for queue in self._route.routes if self._route.subject(queue) in self._problems
        ]

    def _shared(self, name: str) -> str:
        return (
            f"handler {self._route.handler_name}, shards of {name!r}, vhost {self._route.vhost!r}"
        )

    @property
    def _problems(self) -> dict[str, str]:
        return self._route.connection.problems
