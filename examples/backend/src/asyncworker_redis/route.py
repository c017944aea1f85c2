"""A route of Redis, checked when it is declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from asyncworker.polling import PolledRoute

if TYPE_CHECKING:
    from asyncworker_redis.connection import RedisConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisRoute(PolledRoute):
    """Hold one handler with the streams that it reads.

    group: its consumers share the entries. dead: the stream that takes a copy of what is rejected.
    """

    connection: RedisConnection
    group: str
    dead: str | None
