"""Consume Server-Sent Events."""

from asyncworker.sse.connection import SSEConnection
from asyncworker.sse.errors import NotJSON
from asyncworker.sse.event import SSEEvent
from asyncworker.sse.route import SSEOptions
from asyncworker.sse.version import __version__

__all__ = ["NotJSON", "SSEConnection", "SSEEvent", "SSEOptions", "__version__"]
