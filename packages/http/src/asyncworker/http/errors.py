"""Every exception of this backend that a user can meet."""

from __future__ import annotations

from asyncworker.errors import AsyncWorkerError


class CannotListen(AsyncWorkerError):
    """Report an address that the server could not take."""


class NotServing(AsyncWorkerError):
    """Report a question about the server while there is none."""
