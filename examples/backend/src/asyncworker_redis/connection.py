"""RedisConnection: where a Redis is, and how much is taken ahead of it."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from asyncworker.connections import Connection
from asyncworker.errors import ConfigurationError
from asyncworker.route_types import RouteType
from asyncworker_redis.settings import RedisSettings

REDIS: Final = RouteType("REDIS")
FAILURES: Final = (RedisError, OSError)
"""What the client raises when a Redis cannot be asked, or does not like what it is asked."""
TIMEOUT: Final = 5.0
"""Seconds without an answer after which a connection counts as lost."""


class RedisConnection(Connection):
    """Say where a Redis is.

    url: `redis://`, `rediss://` or `unix://`; that of `ASYNCWORKER_REDIS_URL` when left out.
    name: by which a route chooses it, where an app has several.
    prefetch: the most messages of a route that are read and not settled.
    claim_after: seconds without a sign of life of a consumer, after which what it has read is given
    to another.
    Raises: ConfigurationError
    """

    route_type: ClassVar[RouteType] = REDIS
    state_key: ClassVar[str | None] = "redis_connection"

    def __init__(
        self,
        url: str | None = None,
        name: str | None = None,
        *,
        prefetch: int = 256,
        claim_after: float = 60.0,
    ) -> None:
        super().__init__(name)
        own = RedisSettings.load().url if url is None else url
        if own is None:
            raise ConfigurationError("RedisConnection needs url=, or set ASYNCWORKER_REDIS_URL")
        if type(prefetch) is not int or prefetch < 1:
            raise ConfigurationError(f"prefetch must be an int above 0, got {prefetch!r}")
        if type(claim_after) not in (int, float) or claim_after <= 0:
            raise ConfigurationError(f"claim_after must be seconds above 0, got {claim_after!r}")
        self._url = own
        self._shown = _shown(own)
        self.prefetch: int = prefetch
        self.claim_after: float = claim_after

    def client(self) -> Redis:
        """Return a client of its own, which tries nothing again by itself.

        An answer that is lost may have held messages: whoever asked must know.
        """
        return Redis.from_url(
            self._url,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            protocol=2,
        )

    def __repr__(self) -> str:
        return f"RedisConnection({self._shown!r})"


def _shown(url: str) -> str:
    """Return where a URL leads, without its login."""
    try:
        place: Any = parse_url(url)
    except (AttributeError, TypeError, ValueError):
        reason = "url cannot be read: write redis://user:password@host:6379/0"
        raise ConfigurationError(reason) from None
    return place.get("path") or f"{place.get('host', 'localhost')}:{place.get('port', 6379)}"
