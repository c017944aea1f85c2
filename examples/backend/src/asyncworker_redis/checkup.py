"""What `asyncworker check` tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

from asyncworker.backend import Remark
from asyncworker_redis.connection import FAILURES, RedisConnection

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redis.asyncio import Redis

    from asyncworker.connections import Connection
    from asyncworker_redis.route import RedisRoute


async def problems_of(connections: Iterable[Connection], routes: Sequence[RedisRoute]) -> list[str]:
    """Return a line for each connection, and each stream, that does not work."""
    lines = []
    for connection in connections:
        if isinstance(connection, RedisConnection):
            own = [route for route in routes if route.connection is connection]
            lines += await _problems_of_one(connection, own)
    return lines


async def _problems_of_one(connection: RedisConnection, routes: list[RedisRoute]) -> list[str]:
    async with connection.client() as redis:
        try:
            await redis.ping()
            found = [await _line(redis, route, name) for route in routes for name in route.routes]
        except FAILURES as error:
            return [f"{connection!r}: {error}"]
    return [line for line in found if line is not None]


async def _line(redis: Redis, route: RedisRoute, stream: str) -> str | None:
    try:
        groups = [one["name"] for one in await redis.xinfo_groups(stream)]
    except ResponseError as error:
        if "no such key" not in str(error):
            return f"{route.connection!r}, stream {stream!r}: {error}"
        groups = []
    if route.group.encode() in groups:
        return None
    return Remark(f"stream {stream!r}: the first start makes group {route.group!r}")
