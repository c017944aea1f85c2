"""What aiohttp calls for each request (the hot path)."""

from __future__ import annotations

import logging
import struct
from functools import partial
from socket import SO_LINGER, SOL_SOCKET
from typing import TYPE_CHECKING, Any, Final

from aiohttp import hdrs, web
from aiohttp.http import HttpVersion11

from asyncworker.errors import HandlerTimeout
from asyncworker.handling.cancellation import is_cancelled_from_outside
from asyncworker.handling.exception_groups import counts_as, leaves
from asyncworker.handling.redaction import brief
from asyncworker.handling.repeated_failures import Failures
from asyncworker.http.refusal import BROKEN, broken_body, failure, timed_out
from asyncworker.http.responses import TEXT, Unanswerable, check_headers, response_of
from asyncworker.log_fields import begin as begin_lines
from asyncworker.log_fields import set_essence, set_fields_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from asyncworker.http.parameters.params import Begin, Check
    from asyncworker.log_fields import Fields

    Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]
    Expect = Callable[[web.Request], Awaitable[web.StreamResponse | None]]

log = logging.getLogger(__name__)

RAISED: Final = web.RequestKey("asyncworker.raised", BaseException)
"""Where a request holds what its handler raised, when that was answered."""
RESET: Final = struct.pack("ii", 1, 0)
"""Have a socket that is closed send a reset (SO_LINGER)."""


def make_endpoint(begin: Begin, route: str, handler: str) -> Endpoint:
    """Return the coroutine function that answers the requests of one method and path.

    route: method and path, as logs name them; never what a client wrote. handler: its name.
    """
    label = _label(route, handler)
    failures = Failures(log, label)
    fields_of = partial(_fields_of, route)

    async def endpoint(request: web.Request) -> web.StreamResponse:
        # As `begin` does it, whose call each request would pay for. Not the request: whoever keeps
        # the context would keep its body in memory.
        set_fields_of(fields_of)
        set_essence(request.headers)
        try:
            value = await begin(request)
        except Unanswerable as error:
            log.error("%s yielded %s", label, error)  # noqa: TRY400 (no traceback leads to a handler)
            if request.writer.output_size:
                _cut(request)
            return failure()
        except BaseException as error:  # noqa: BLE001
            # Users' code: even its SystemExit must not stop the worker.
            return _after(error, request, label, failures)
        return _answer(value, request, label)

    return endpoint


def make_expect(check: Check, route: str, handler: str) -> Expect:
    """Return the coroutine function for clients that ask before they send a body.

    route, handler: as for the endpoint.
    """
    label = _label(route, handler)
    failures = Failures(log, label)
    fields_of = partial(_fields_of, route)

    async def expect(request: web.Request) -> web.StreamResponse | None:
        begin_lines(fields_of, request.headers)
        try:
            check(request)
        except BaseException as error:  # noqa: BLE001
            # Users' validators may raise anything.
            return _after(error, request, label, failures)
        await _go_on(request)
        return None

    return expect


def _label(route: str, handler: str) -> str:
    return f"{route}: handler {handler}"


def _fields_of(route: str, headers: Mapping[str, str]) -> Fields:
    """Return what lines say that are logged while a request is answered."""
    request_id, trace_parent = headers.get("X-Request-ID"), headers.get("traceparent")
    return {"route": route, "request_id": request_id, "traceparent": trace_parent}


async def _go_on(request: web.Request) -> None:
    """Let the client send its body, as aiohttp does unless it is told otherwise."""
    if request.version < HttpVersion11:
        return
    if request.headers[hdrs.EXPECT].lower() != "100-continue":
        raise web.HTTPExpectationFailed
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    # The answer has not begun.
    request.writer.output_size = 0


def _answer(value: Any, request: web.Request, label: str) -> web.StreamResponse:
    if type(value) is str and not request.writer.output_size:
        # Most answers, for which each call counts. What cannot be encoded is told below.
        try:
            return web.Response(body=value.encode(), headers=TEXT)
        except UnicodeEncodeError:
            pass
    try:
        response = response_of(value)
    except Unanswerable as error:
        log.error("%s returned %s", label, error)  # noqa: TRY400 (no traceback leads to a handler)
        response = failure()
    if response is not value:
        if request.writer.output_size:
            _cut(request)
    elif isinstance(response, web.HTTPException):
        raise response
    return response


def _after(
    error: BaseException, request: web.Request, label: str, failures: Failures
) -> web.StreamResponse:
    """Return the answer to what a handler raised, or raise it once more."""
    if has_begun := request.writer.output_size > 0:
        _cut(request)
    if counts_as(error, web.HTTPException) and not has_begun:
        error = next(leaves(error))
    if isinstance(error, web.HTTPException) and not has_begun:
        try:
            check_headers(error.headers)
        except Unanswerable as reason:
            log.error("%s raised %s with %s", label, brief(error), reason)  # noqa: TRY400
            return failure()
        raise error
    if isinstance(error, GeneratorExit) or is_cancelled_from_outside(error):
        raise error
    if _is_broken_body(error, request):
        raise broken_body()
    failures.report(error)
    request[RAISED] = error
    return timed_out() if isinstance(error, HandlerTimeout) else failure()


def is_answer(error: BaseException, request: web.Request) -> bool:
    """Tell whether what was raised tells the client what is wrong with its request."""
    return counts_as(error, web.HTTPException) or _is_broken_body(error, request)


def _is_broken_body(error: BaseException, request: web.Request) -> bool:
    return counts_as(error, BROKEN) and request.content.exception() is not None


def _cut(request: web.Request) -> None:
    """Close the connection of an answer that has begun.

    No second answer may follow, and the client must see that the first one is not complete.
    """
    if request.version < HttpVersion11 and request.transport is not None:
        # There the end of the connection is that of the answer, unless it is reset.
        request.transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, RESET)
    request.protocol.force_close()
