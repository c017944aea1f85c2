"""What a client has not sent yet of a body, when it gets its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from asyncworker.http.address import is_no_file

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handle = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

UNWANTED: Final = (hdrs.CONTENT_ENCODING, hdrs.EXPECT)
"""Headers of a body whose rest is not worth reading: it would be inflated, or may never come."""


def without_rest(handle: Handle) -> Handle:
    """Return what answers as `handle` does, and ends the connection where such a rest is left.

    aiohttp would read it for the next request of the connection, and inflate all of it.
    """

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        try:
            response = await handle(request)
        except web.HTTPException as error:
            _end(request, error)
            raise
        except BaseException as error:
            _end(request)
            if is_no_file(error, request):
                raise web.HTTPNotFound from None
            raise
        _end(request, response)
        return response

    return answer


def _end(request: web.BaseRequest, response: web.StreamResponse | None = None) -> None:
    if request.content.is_eof() or request.headers.keys().isdisjoint(UNWANTED):
        return
    # From now on aiohttp drops what comes; the answer still goes out.
    request.protocol.close()
    if response is not None:
        response.force_close()
