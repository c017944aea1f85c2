"""Consume streams of Redis."""

from asyncworker_redis.connection import RedisConnection
from asyncworker_redis.message import RedisMessage

__all__ = ["RedisConnection", "RedisMessage"]
