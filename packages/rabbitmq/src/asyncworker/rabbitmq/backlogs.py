"""What waits in queues, for whoever scales by it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from asyncworker.backend import Backlog, Trigger
from asyncworker.rabbitmq.connection import AMQPConnection
from asyncworker.rabbitmq.settings import AMQPSettings
from asyncworker.rabbitmq.topology import SINGLE_ACTIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncworker.connections import Connection
    from asyncworker.rabbitmq.route import AMQPRoute

VARIABLE: Final = f"{AMQPSettings.env_prefix}URL"


def backlogs_of(connections: Iterable[Connection], routes: Sequence[AMQPRoute]) -> list[Backlog]:
    """Return what waits in each queue of these routes."""
    brokers = [one for one in connections if isinstance(one, AMQPConnection)]
    return [
        _backlog(route, queue, VARIABLE if len(brokers) == 1 else _variable(route.connection))
        for route in routes
        for queue in route.routes
    ]


def _backlog(route: AMQPRoute, queue: str, variable: str) -> Backlog:
    rate = route.options.rate
    reason = _reason(route, queue)
    return Backlog(
        route=route,
        source=queue,
        batches=route.concurrency,
        bulk_size=route.bulk_size,
        # Of a rate with a key, each key has its own.
        per_second=None if rate is None or rate.by is not None else rate.per_second,
        trigger=None if reason else _trigger(route, queue, variable),
        reason=reason,
    )


def _trigger(route: AMQPRoute, queue: str, variable: str) -> Trigger:
    metadata = {
        "protocol": "amqp",
        "queueName": queue,
        "vhostName": route.vhost,
        "mode": "QueueLength",
    }
    return Trigger(
        type="rabbitmq", metadata=metadata, target="value", url="host", variable=variable
    )


def _reason(route: AMQPRoute, queue: str) -> str:
    """Return why more consumers of a queue would not help; nothing where they do."""
    declared = route.topology.get(queue)
    if route.start is not None or (declared is not None and declared.is_stream):
        return "a stream, of which each replica reads all"
    is_single = declared is not None and bool(declared.all_arguments.get(SINGLE_ACTIVE))
    # Of shards each replica has a part, until there are as many as these.
    if is_single and route.shards is None:
        return "has a single active consumer"
    if route.consumer.exclusive:
        return "is consumed by one replica alone (exclusive)"
    if route.options.rate is not None and route.options.rate.shared:
        return "has a rate that all replicas share"
    return ""


def _variable(connection: Connection) -> str:
    """Return what the URL of one of several connections is called: after its name."""
    name = re.sub(r"\W", "_", connection.name or "").upper()
    return f"{name}_AMQP_URL" if name else VARIABLE
