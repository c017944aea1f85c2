"""The monitor of a running worker, asked from outside."""

from __future__ import annotations

import os
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from asyncworker.errors import AsyncWorkerError
from asyncworker.variables import MONITOR

if TYPE_CHECKING:
    from urllib.parse import SplitResult

TIMEOUT: Final = 3.0
"""Seconds that the worker has for each step of its answer."""
LARGEST: Final = 2**24
"""The most bytes of an answer that are read."""
HERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (what it listens on, not we)
"""Where a worker is asked that listens on all addresses."""


def default_url() -> str:
    """Return where the monitor of this environment is.

    Raises: AsyncWorkerError
    """
    values = {name.upper(): value for name, value in os.environ.items()}
    host = values.get(f"{MONITOR}HOST", "127.0.0.1")
    port = values.get(f"{MONITOR}PORT", "")
    if port in ("", "0"):
        raise AsyncWorkerError(f"give the URL of the monitor, or set {MONITOR}PORT to its port")
    host = HERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def parsed(url: str) -> SplitResult:
    """Return the parts of a URL; its query and its password are not used.

    Raises: AsyncWorkerError
    """
    try:
        parts = urlsplit(url)
        is_fit = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_fit = False
    if not is_fit:
        raise AsyncWorkerError("the URL is none of a monitor: write it as http://127.0.0.1:9000")
    return parts


def where(url: SplitResult, path: str) -> str:
    """Return a URL below that of a monitor, as it may be shown."""
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path.rstrip('/')}{path}"


def got(url: SplitResult, path: str) -> tuple[int, bytes]:
    """Return the status and the body of an answer.

    Raises: OSError, HTTPException
    """
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=TIMEOUT)
    try:
        connection.request("GET", f"{url.path.rstrip('/')}{path}")
        response = connection.getresponse()
        return response.status, response.read(LARGEST)
    finally:
        connection.close()
