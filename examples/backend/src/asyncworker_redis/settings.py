"""Every ASYNCWORKER_REDIS_* variable, in one place."""

from __future__ import annotations

from asyncworker.settings import Environment


class RedisSettings(Environment):
    """Hold what the environment says.

    url: that of a `RedisConnection` which is given none.
    """

    env_prefix = "ASYNCWORKER_REDIS_"

    url: str | None = None
