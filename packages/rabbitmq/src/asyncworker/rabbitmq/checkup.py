"""What would keep queues from being consumed, found out without consuming them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from asyncworker.backend import Remark
from asyncworker.rabbitmq.connection import AMQPConnection
from asyncworker.rabbitmq.declarations import Declarations
from asyncworker.rabbitmq.delivery_limit import remark_on
from asyncworker.rabbitmq.errors import BrokerError, TopologyMismatch
from asyncworker.rabbitmq.link import Link
from asyncworker.rabbitmq.obstacles import Obstacles
from asyncworker.rabbitmq.remarks import remarks_on
from asyncworker.rabbitmq.topology import Queue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncworker.connections import Connection
    from asyncworker.rabbitmq.route import AMQPRoute

Place = tuple[AMQPConnection, str]


async def problems_of(connections: Iterable[Connection], routes: Sequence[AMQPRoute]) -> list[str]:
    """Return a line for each vhost that refuses a connection, and each queue that is not as wanted.

    That is one that is missing or, where it is to be declared, there in another form. A Remark
    tells of each that may drop messages.

    A connection without a route is tried as well: `put()` may need it.
    """
    queues: dict[Place, list[str | Queue]] = {
        (one, one.vhost): []
        for one in connections
        if isinstance(one, AMQPConnection) and all(route.connection is not one for route in routes)
    }
    for route in routes:
        queues.setdefault((route.connection, route.vhost), []).extend(
            route.topology.get(name, name) for name in route.routes
        )
    async with asyncio.TaskGroup() as group:
        checks = [group.create_task(_check(*place, names)) for place, names in queues.items()]
    problems = [problem for check in checks for problem in check.result()]
    return problems + [Remark(remark) for remark in remarks_on(routes)]


async def _check(connection: AMQPConnection, vhost: str, queues: list[str | Queue]) -> list[str]:
    link = Link(connection.broker, vhost)
    found: dict[str, str | None] = {}
    differences: list[str] = []
    remarks: dict[str, str | None] = {}
    try:
        await link.connect()
        obstacles, declarations = Obstacles(link, {}), Declarations(link)
        for queue in queues:
            if isinstance(queue, Queue):
                try:
                    found[queue.name] = await declarations.obstacle(queue)
                except TopologyMismatch as error:
                    differences.append(str(error))
                remarks[queue.name] = remark_on(queue, declarations.without_limit)
            elif queue not in found:
                found[queue] = await obstacles.to(queue)
    except BrokerError as error:
        return [str(error)]
    finally:
        await link.close()
    problems = [f"queue {queue!r}, vhost {vhost!r}: {why}" for queue, why in found.items() if why]
    return (
        problems
        + differences
        + [
            Remark(f"queue {queue!r}, vhost {vhost!r}: {what}")
            for queue, what in remarks.items()
            if what
        ]
    )
