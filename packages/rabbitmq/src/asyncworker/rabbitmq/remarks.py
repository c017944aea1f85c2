"""What the owner of routes should know before it costs messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from asyncworker.options import Actions
from asyncworker.rabbitmq.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asyncworker.rabbitmq.retry import Policy
    from asyncworker.rabbitmq.route import AMQPRoute

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
        for queue in route.routes:
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
        for name, queue in route.topology.items():
            if queue.is_stream:
                yield (
                    f"queue {name!r}, vhost {route.vhost!r}: it is a stream, which is read from "
                    "the next message on: what is published while no worker reads it is not handled"
                )


def _dropping(routes: Iterable[AMQPRoute]) -> Iterator[str]:
    for route in routes:
        options = route.options
        if options.on_success is Actions.REJECT or _rejects(options.on_exception):
            for queue in route.topology:
                if route.drops(queue):
                    yield (
                        f"queue {queue!r}, vhost {route.vhost!r}: what handler "
                        f"{route.handler_name} rejects is {DROPPED}"
                    )


def _rejects(policy: Policy) -> bool:
    """Tell whether a policy may come to reject a message."""
    if isinstance(policy, Mapping):
        return any(map(_rejects, policy.values()))
    return Actions.REJECT in (policy, policy.then if isinstance(policy, Retry) else None)
