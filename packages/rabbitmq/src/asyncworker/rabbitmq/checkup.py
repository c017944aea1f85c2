"""What would keep queues from being consumed, found out without consuming them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from asyncworker.rabbitmq.connection import AMQPConnection
from asyncworker.rabbitmq.errors import BrokerError
from asyncworker.rabbitmq.link import Link
from asyncworker.rabbitmq.obstacles import Obstacles

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncworker.connections import Connection
    from asyncworker.rabbitmq.route import AMQPRoute

Place = tuple[AMQPConnection, str]


async def problems_of(connections: Iterable[Connection], routes: Sequence[AMQPRoute]) -> list[str]:
    """Return a line for each vhost that refuses a connection, and each queue that is not there.

    A connection without a route is tried as well: `put()` may need it.
    """
    queues: dict[Place, list[str]] = {
        (one, one.vhost): []
        for one in connections
        if isinstance(one, AMQPConnection) and all(route.connection is not one for route in routes)
    }
    for route in routes:
        queues.setdefault((route.connection, route.vhost), []).extend(route.routes)
    async with asyncio.TaskGroup() as group:
        checks = [group.create_task(_check(*place, names)) for place, names in queues.items()]
    return [problem for check in checks for problem in check.result()]


async def _check(connection: AMQPConnection, vhost: str, queues: list[str]) -> list[str]:
    link = Link(connection.broker, vhost)
    try:
        await link.connect()
        obstacles = Obstacles(link)
        found = {queue: await obstacles.to(queue) for queue in dict.fromkeys(queues)}
    except BrokerError as error:
        return [str(error)]
    finally:
        await link.close()
    return [f"queue {queue!r}, vhost {vhost!r}: {why}" for queue, why in found.items() if why]
