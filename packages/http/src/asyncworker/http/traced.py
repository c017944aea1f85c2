"""Requests as spans, by OpenTelemetry's semantic conventions for HTTP."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from asyncworker.http.endpoint import RAISED
from asyncworker.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncworker.http.endpoint import Endpoint
    from asyncworker.tracing.tracing import Tracing

ERRORS: Final = 500
"""The first status of those that tell of an error of the server's."""


def traced(endpoint: Endpoint, tracing: Tracing, path: str) -> Endpoint:
    """Return an endpoint whose requests are a span each.

    path: as the route is declared.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        with tracing.current(partial(_serving, request, path)) as span:
            answered = await _answered(endpoint, request)
            span.set_attribute("http.response.status_code", answered.status)
            if answered.status >= ERRORS:
                tracing.fail(span, request.get(RAISED) or str(answered.status))
        if isinstance(answered, web.HTTPException):
            raise answered
        return answered

    return answer


async def _answered(endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
    """Return the answer, whether it was returned or raised."""
    try:
        return await endpoint(request)
    except web.HTTPException as error:
        return error


def _serving(request: web.Request, path: str) -> Operation:
    """Return what is told of a request, which goes on in the context that its headers carry.

    Of its query nothing is told: it may hold a secret.
    """
    told: dict[str, str | int] = {
        "http.request.method": request.method,
        "http.route": path,
        "url.path": request.rel_url.raw_path,
        "url.scheme": request.scheme,
        **_server_of(request),
    }
    return Operation(f"{request.method} {path}", "SERVER", told, request.headers)


def _server_of(request: web.Request) -> Mapping[str, str | int]:
    """Return what the client called the server; without a Host aiohttp would ask the DNS."""
    if not request.headers.get(hdrs.HOST):
        return {}
    try:
        host, port = request.url.raw_host, request.url.port
    except ValueError:
        return {}
    return {"server.address": host, "server.port": port} if host and port else {}
