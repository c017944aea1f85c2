"""Where snapshots come from."""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final, cast

from asyncworker.cli.monitor import TIMEOUT, got, where
from asyncworker.errors import AsyncWorkerError
from asyncworker.status import Snapshot

if TYPE_CHECKING:
    from urllib.parse import SplitResult

PATH: Final = "/status.json"


class NoSnapshot(AsyncWorkerError):
    """Report that nobody says how it stands, and why."""


def take(monitor: SplitResult) -> Snapshot:
    """Return how it stands with the worker of a monitor.

    Raises: NoSnapshot
    """
    place = where(monitor, PATH)
    try:
        status, body = got(monitor, PATH)
    except TimeoutError:
        raise NoSnapshot(f"no answer from {place} within {TIMEOUT:g} s") from None
    except (OSError, HTTPException) as error:
        reason = getattr(error, "strerror", None) or repr(error)
        raise NoSnapshot(f"no answer from {place}: {reason}") from None
    if status != 200:
        raise NoSnapshot(f"{place} answers with status {status}")
    return _parsed(body, place)


def _parsed(body: bytes, place: str) -> Snapshot:
    try:
        found: Any = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found.keys() >= Snapshot.__required_keys__:
        raise NoSnapshot(f"{place} is not of a monitor")
    return cast("Snapshot", found)
