"""Serve HTTP with typed handlers."""

from asyncworker.http.errors import CannotListen, NotServing
from asyncworker.http.extension import HTTP
from asyncworker.http.streaming.event import SSEEvent
from asyncworker.http.version import __version__

__all__ = ["HTTP", "CannotListen", "NotServing", "SSEEvent", "__version__"]
