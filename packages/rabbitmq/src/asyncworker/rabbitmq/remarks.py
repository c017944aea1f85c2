"""What the owner of routes should know before it costs messages."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from asyncworker.options import Actions
from asyncworker.rabbitmq.policy import can_come_to
from asyncworker.rabbitmq.topology import DEAD_LETTER_EXCHANGE, DELIVERY_LIMIT, UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from asyncworker.rabbitmq.route import AMQPRoute
    from asyncworker.rabbitmq.topology import Queue

DROPPED = "dropped, as the queue is declared without dead_letter, unless a policy gives it one"


def remarks_on(routes: Iterable[AMQPRoute]) -> list[str]:
    """Return a line for each queue of which some messages may not be handled."""
    found = tuple(routes)
    return [*remarks_at_start(found), *_dropping(found)]


def remarks_at_start(routes: Iterable[AMQPRoute]) -> list[str]:
    """Return those of which no message will tell."""
    found = tuple(routes)
    return [*_competing(found), *_streams(found)]


def _competing(routes: Iterable[AMQPRoute]) -> Iterator[str]:
    """Say which handlers share a queue, so that each gets only a part of the messages."""
    handlers: dict[tuple[object, str, str], list[str]] = defaultdict(list)
    for route in routes:
        # Of a stream each has all.
        for queue in route.routes if route.start is None else ():
            place = (route.connection.broker.hosts, route.vhost, queue)
            handlers[place].append(route.handler_name)
    for (_, vhost, queue), names in handlers.items():
        if len(names) > 1:
            yield (
                f"queue {queue!r}, vhost {vhost!r}: the handlers {' and '.join(names)} compete for "
                "it, and each message goes to one of them: for all to have it, give each a queue "
                "of its own, bound to one exchange"
            )


def _streams(routes: Iterable[AMQPRoute]) -> Iterator[str]:
    for route in routes:
        # Whoever says so wants it.
        if route.start is None or route.start.is_said:
            continue
        for name in route.routes:
            yield (
                f"queue {name!r}, vhost {route.vhost!r}: it is a stream, which is read from "
                "the next message on: what is published while no worker reads it is not handled. "
                "offset= on the route says where it begins, and cursor= keeps its place"
            )


def _dropping(routes: Iterable[AMQPRoute]) -> Iterator[str]:
    for route in routes:
        options = route.options
        rejects = partial(can_come_to, action=Actions.REJECT)
        if rejects(options.on_success) or rejects(options.on_exception):
            for queue in route.topology:
                if route.drops(queue):
                    yield (
                        f"queue {queue!r}, vhost {route.vhost!r}: what handler "
                        f"{route.handler_name} rejects is {DROPPED}"
                    )


def remark_on_limit(queue: Queue, without_limit: Collection[str]) -> str | None:
    """Return what the owner of a queue should know of its limit, if anything.

    without_limit: the queues that exist without the one that is stated.
    """
    limit = queue.stated_limit
    if limit is None:
        return None
    if queue.name in without_limit:
        return (
            f"it exists without {DELIVERY_LIMIT}, so delivery_limit={limit} has no effect: set "
            "it by a policy, or delete the queue to have it declared anew"
        )
    if limit != UNLIMITED and DEAD_LETTER_EXCHANGE not in queue.all_arguments:
        return f"what comes back more than {limit} times is dropped: give it a dead_letter"
    return None
