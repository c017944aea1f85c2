"""Headers of a request, checked where the user wrote them."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from multidict import CIMultiDict

from asyncworker.errors import AsyncWorkerError, ConfigurationError
from asyncworker.provided import check_provider, provided
from asyncworker.sse.errors import StreamError

HeaderProvider: TypeAlias = Callable[[], Mapping[str, str] | Awaitable[Mapping[str, str]]]
Headers: TypeAlias = Mapping[str, str] | HeaderProvider
"""Headers, or a function that returns them, sync or async."""

AUTHORIZATION: Final = "Authorization"
NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters, which a header cannot hold (RFC 9110, 5.5)."""

MAX_ID: Final = 4096
"""Bytes of an id that is sent: servers take no header of much more than 8 KiB."""


def checked_source(headers: Headers | None) -> CIMultiDict[str] | HeaderProvider:
    """Return headers, or the function that returns them, checked.

    Raises: ConfigurationError, which never shows a value.
    """
    if callable(headers):
        check_provider("headers", headers)
        return headers
    return checked_headers(headers)


async def headers_from(
    source: Mapping[str, str] | HeaderProvider, limit: float
) -> Mapping[str, str]:
    """Return headers as they are now.

    limit: seconds that a function may take.
    Raises: StreamError, which never shows a value.
    """
    if not callable(source):
        return source
    try:
        return _checked(await provided("headers", source, limit))
    except AsyncWorkerError as error:
        raise StreamError(str(error)) from None


def checked_headers(headers: Mapping[str, str] | None) -> CIMultiDict[str]:
    """Return the headers, checked.

    Raises: ConfigurationError, which never shows a value.
    """
    return _checked({} if headers is None else headers)


def _checked(headers: Any) -> CIMultiDict[str]:
    if not isinstance(headers, Mapping):
        raise ConfigurationError(f"headers must be a dict, got {type(headers).__name__}")
    for name, value in headers.items():
        _check_name(name)
        if not isinstance(value, str):
            kind = type(value).__name__
            raise ConfigurationError(f"headers: {name!r} must be a string, got {kind}")
        if not fits(value):
            raise ConfigurationError(f"headers: {name!r} holds a line break or control character")
    return CIMultiDict(headers)


def _check_name(name: Any) -> None:
    if isinstance(name, str) and ":" in name:
        # What follows the colon is the value.
        raise ConfigurationError("headers: a name holds a colon: give a dict of names and values")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ConfigurationError(f"headers: {name!r} is no name of a header")


def fits(value: str) -> bool:
    """Tell whether a text can be the value of a header."""
    return not FORBIDDEN.search(value)


def can_be_sent(last_event_id: str) -> bool:
    """Tell whether a request can say where a stream goes on."""
    return fits(last_event_id) and len(last_event_id.encode()) <= MAX_ID


def basic_auth(user: Any, password: Any) -> str:
    """Return the value of Authorization for a user (RFC 7617).

    Raises: ConfigurationError, which never shows the password.
    """
    if not isinstance(user, str):
        raise ConfigurationError(f"user must be a string, got {type(user).__name__}")
    if ":" in user:
        raise ConfigurationError("user must not hold a colon: give the password as password=")
    if not isinstance(password, str):
        raise ConfigurationError(f"password must be a string, got {type(password).__name__}")
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"
