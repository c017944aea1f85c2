"""What a handler returns, as a response."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from reprlib import repr as short_repr
from typing import Any, Final

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from pydantic_core import to_json

from asyncworker.http.refusal import JSON
from asyncworker.model_classes import is_model

EXPECTED: Final = (
    "return a web.StreamResponse, str, bytes, dict, list, dataclass, pydantic model, None, "
    "(value, status) or (value, status, headers)"
)
BINARY: Final = "application/octet-stream"
SERVER_NAME: Final = "asyncworker"
"""Who answered, a proxy or the worker; versions would tell strangers what to try."""
TEXT: Final = CIMultiDictProxy(
    CIMultiDict({"Content-Type": "text/plain; charset=utf-8", "Server": SERVER_NAME})
)
"""The headers of a text; aiohttp copies them faster than it makes them."""


class Unanswerable(Exception):
    """Report what a handler returned and no client can be sent."""


def response_of(value: Any) -> web.StreamResponse:
    """Return the response for what a handler returned.

    Raises: Unanswerable
    """
    if isinstance(value, web.StreamResponse):
        check_headers(value.headers)
        return value
    if type(value) is not tuple:
        return _plain(value, 204 if value is None else 200, None)
    if len(value) == 2:
        return _plain(value[0], _status(value[1]), None)
    if len(value) == 3:
        return _plain(value[0], _status(value[1]), _headers(value[2]))
    raise Unanswerable(f"a tuple of {len(value)}: {EXPECTED}")


def check_headers(headers: Mapping[str, str]) -> None:
    """Accept headers that are text of one line each.

    Raises: Unanswerable, for a line break: what follows it would be a header of its own.
    """
    for name, value in headers.items():
        try:
            text = name + value
        except TypeError:
            raise Unanswerable(f"{_header(name, value)}, which is no text") from None
        if "\n" in text or "\r" in text or "\0" in text:
            raise Unanswerable(f"{_header(name, value)}, with a line break in it")


def _header(name: object, value: object) -> str:
    return f"the header {short_repr(name)}: {short_repr(value)}"


def _plain(value: Any, status: int, headers: CIMultiDict[str] | None) -> web.Response:
    if isinstance(value, str):
        return _text(value, status, headers)
    if value is None:
        return web.Response(status=status, headers=headers)
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes(bytes(value), status, headers, BINARY)
    if isinstance(value, dict | list) or _is_of_fields(value):
        return _bytes(_json(value), status, headers, JSON)
    raise Unanswerable(f"{short_repr(value)} ({type(value).__qualname__}): {EXPECTED}")


def _text(value: str, status: int, headers: CIMultiDict[str] | None) -> web.Response:
    try:
        if headers is None:
            return web.Response(body=value.encode(), status=status, headers=TEXT)
        return web.Response(text=value, status=status, headers=headers)
    except UnicodeEncodeError as error:
        raise Unanswerable(f"{short_repr(value)}, which cannot be encoded: {error}") from None


def _bytes(
    body: bytes, status: int, headers: CIMultiDict[str] | None, content_type: str
) -> web.Response:
    if headers is None:
        return web.Response(body=body, status=status, content_type=content_type)
    headers.setdefault("Content-Type", content_type)
    return web.Response(body=body, status=status, headers=headers)


def _json(value: Any) -> bytes:
    try:
        # NaN is no JSON.
        return to_json(value, inf_nan_mode="null")
    except (ValueError, RecursionError) as error:
        described = f"a {type(value).__qualname__} that has no JSON form"
        raise Unanswerable(f"{described}: {error}") from None


def _status(status: Any) -> int:
    # Below 200 no client takes it for the answer.
    if isinstance(status, int) and not isinstance(status, bool) and 200 <= status <= 599:
        return int(status)
    raise Unanswerable(f"the status {short_repr(status)}, which is none from 200 to 599")


def _headers(headers: Any) -> CIMultiDict[str]:
    if not isinstance(headers, Mapping | Iterable) or isinstance(headers, str):
        raise Unanswerable(f"the headers {short_repr(headers)}, which are no mapping")
    try:
        made: CIMultiDict[str] = CIMultiDict(headers)
    except (TypeError, ValueError) as error:
        described = short_repr(headers)
        raise Unanswerable(f"the headers {described}, which are no mapping: {error}") from None
    check_headers(made)
    return made


def _is_of_fields(value: Any) -> bool:
    return is_dataclass(type(value)) or is_model(type(value))
