"""What stands before aiohttp for each request, and after its answer (the hot path)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import EMPTY_PAYLOAD, hdrs, web

from asyncworker.http.refusal import refusal
from asyncworker.http.serving.bad_addresses import is_host
from asyncworker.http.serving.unread_body import end_rest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def guarded(handle: Handle) -> Handle:
    """Return what answers as `handle` does, but for what aiohttp would do wrong.

    A wrong Host is refused with 400, as RFC 9110 demands: handlers that ask for the URL of a
    request would fail over it. A body's rest that is not worth reading ends the connection.
    """

    # Not a coroutine function: most requests have no body, and would pay for one more coroutine.
    def answer(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        begin = handle if is_host(request.headers.get(hdrs.HOST, "")) else _refuse
        if request.content is EMPTY_PAYLOAD:
            return begin(request)
        return _ending(begin, request)

    return answer


async def _refuse(_request: web.BaseRequest) -> web.StreamResponse:
    raise refusal(web.HTTPBadRequest, "the header Host names no host")


async def _ending(begin: Handle, request: web.BaseRequest) -> web.StreamResponse:
    """Answer a request that has a body, and mind what is left of that."""
    try:
        response = await begin(request)
    except web.HTTPException as error:
        end_rest(request, error)
        raise
    except BaseException:
        end_rest(request)
        raise
    end_rest(request, response)
    return response
