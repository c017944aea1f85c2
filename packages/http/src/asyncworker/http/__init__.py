"""Serve HTTP with typed handlers."""

from asyncworker.http.errors import CannotListen, NotServing
from asyncworker.http.extension import HTTP
from asyncworker.http.version import __version__

__all__ = ["HTTP", "CannotListen", "NotServing", "__version__"]
