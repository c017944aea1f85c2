"""What stands before aiohttp for each request, and after its answer (the hot path)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from asyncworker.http.refusal import refusal
from asyncworker.http.serving.bad_addresses import is_host, is_no_file
from asyncworker.http.serving.unread_body import end_rest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def guarded(handle: Handle) -> Handle:
    """Return what answers as `handle` does, but for what aiohttp would do wrong.

    A wrong Host is refused with 400, as RFC 9110 demands: handlers that ask for the URL of a
    request would fail over it. A body's rest that is not worth reading ends the connection.
    """

    # One function for all: each further one would cost every request a call.
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        try:
            if not is_host(request.headers.get(hdrs.HOST, "")):
                raise refusal(web.HTTPBadRequest, "the header Host names no host")
            response = await handle(request)
        except web.HTTPException as error:
            end_rest(request, error)
            raise
        except BaseException as error:
            end_rest(request)
            if is_no_file(error, request):
                raise web.HTTPNotFound from None
            raise
        if request.body_exists and not request.content.is_eof():
            end_rest(request, response)
        return response

    return answer
