"""What would keep queues from being consumed, found out without consuming them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from asyncworker.backend import Remark
from asyncworker.rabbitmq.connecting.link import Link
from asyncworker.rabbitmq.connection import AMQPConnection
from asyncworker.rabbitmq.consuming.availability import Availability
from asyncworker.rabbitmq.declaring.declarations import Declarations, own_exchanges
from asyncworker.rabbitmq.errors import BrokerError, TopologyMismatch
from asyncworker.rabbitmq.remarks import remark_on_limit, remarks_on
from asyncworker.rabbitmq.sharing import trial
from asyncworker.rabbitmq.topology import Queue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncworker.connections import Connection
    from asyncworker.rabbitmq.route import AMQPRoute
    from asyncworker.rabbitmq.shards import Shards

Place = tuple[AMQPConnection, str]
BEYOND: Final = (
    "it is there from a larger number of shards, and no route consumes it: unbind it and those "
    "behind it from their exchange, have them emptied, and delete them"
)


async def problems_of(connections: Iterable[Connection], routes: Sequence[AMQPRoute]) -> list[str]:
    """Return a line for each vhost that refuses a connection, and each queue that is not as wanted.

    That is one that is missing or, where it is to be declared, there in another form; and so with
    what handlers publish to. A Remark tells of each that may drop messages.

    A connection without a route is tried as well: `put()` may need it.
    """
    queues: dict[Place, list[str | Queue]] = {
        (one, one.vhost): []
        for one in connections
        if isinstance(one, AMQPConnection) and all(route.connection is not one for route in routes)
    }
    exchanges: dict[Place, set[str]] = {}
    divided: dict[Place, list[Shards]] = {}
    for route in routes:
        place = route.connection, route.vhost
        names = queues.setdefault(place, [])
        names += [route.topology.get(name, name) for name in route.routes]
        if route.shards is not None:
            divided.setdefault(place, []).append(route.shards)
        if route.target is not None and route.target.exchange:
            exchanges.setdefault(place, set()).add(route.target.exchange)
        elif route.target is not None:
            names.append(route.target_queue or route.target.routing_key)
    async with asyncio.TaskGroup() as group:
        checks = [
            group.create_task(
                _check(*place, names, exchanges.get(place, ()), divided.get(place, ()))
            )
            for place, names in queues.items()
        ]
    problems = [problem for check in checks for problem in check.result()]
    return problems + [Remark(remark) for remark in remarks_on(routes)]


async def _check(
    connection: AMQPConnection,
    vhost: str,
    queues: Iterable[str | Queue],
    exchanges: Iterable[str],
    divided: Iterable[Shards],
) -> list[str]:
    link = Link(connection.broker, vhost)
    found: dict[str, str | None] = {}
    differences: list[str] = []
    remarks: dict[str, str | None] = {}
    try:
        await link.connect()
        availability, declarations = Availability(link, {}), Declarations(link)
        # What one route declares, another may name.
        for queue in sorted(queues, key=lambda one: isinstance(one, str)):
            if isinstance(queue, Queue):
                try:
                    found[queue.name] = await declarations.problem_of(queue)
                except TopologyMismatch as error:
                    differences.append(str(error))
                remarks[queue.name] = remark_on_limit(queue, declarations.without_limit)
            elif queue not in found:
                found[queue] = await availability.problem_of(queue)
        shared = [
            f"shards of {one.name!r}, vhost {vhost!r}: {problem}"
            for one in divided
            if (problem := await trial.problem_of(one, link)) is not None
        ]
        for one in divided:
            beyond = f"{one.name}.{one.count}"
            if not await availability.is_missing(beyond):
                remarks[beyond] = BEYOND
        declared = {
            one.name for queue in queues if isinstance(queue, Queue) for one in own_exchanges(queue)
        }
        missing = [
            f"exchange {name!r}, vhost {vhost!r}: it does not exist, and a handler publishes to it"
            for name in sorted(set(exchanges) - declared)
            if not await declarations.has_exchange(name)
        ]
    except BrokerError as error:
        return [str(error)]
    finally:
        await link.close()
    problems = [f"queue {queue!r}, vhost {vhost!r}: {why}" for queue, why in found.items() if why]
    return (
        problems
        + shared
        + missing
        + differences
        + [
            Remark(f"queue {queue!r}, vhost {vhost!r}: {what}")
            for queue, what in remarks.items()
            if what
        ]
    )
