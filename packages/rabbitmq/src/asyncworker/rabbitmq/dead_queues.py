"""Where the dead letters of queues come to stay, by what a route declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq.checks import checked_flag
from asyncworker.rabbitmq.topology import DEAD_LETTER_EXCHANGE, TTL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncworker.rabbitmq.topology import Queue


def dead_queues_of(queues: Iterable[Queue]) -> dict[str, str]:
    """Return the names of the queues that are declared for dead letters, by whose they are.

    Where they go on by themselves, as in a queue of those that wait, the broker counts deaths, and
    nothing is to take its place.
    """
    return {
        queue.name: dead.name
        for queue in queues
        if not queue.is_stream
        and (dead := queue.dead_queue) is not None
        and not {DEAD_LETTER_EXCHANGE, TTL} <= dead.all_arguments.keys()
    }


def checked_traceback(value: bool, names: Iterable[str], queues: Iterable[Queue]) -> bool:
    """Return whether the dead letters of a route carry tracebacks.

    names: of all its queues. queues: those that are declared.
    Raises: ConfigurationError
    """
    checked_flag("app.route()", "dead_letter_traceback", value)
    if value and not dead_queues_of(queues):
        raise ConfigurationError(
            "dead_letter_traceback=True, but no queue of this route declares a queue for its dead "
            f"letters: give it one, as Queue({next(iter(names))!r}, dead_letter=True)"
        )
    return value
