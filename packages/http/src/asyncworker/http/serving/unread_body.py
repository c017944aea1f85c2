"""What a client has not sent yet of a body, when it gets its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp import hdrs

if TYPE_CHECKING:
    from aiohttp import web

UNWANTED: Final = (hdrs.CONTENT_ENCODING, hdrs.EXPECT)
"""Headers of a body whose rest is not worth reading: it would be inflated, or may never come."""


def end_rest(request: web.BaseRequest, response: web.StreamResponse | None = None) -> None:
    """End the connection where such a rest is left.

    aiohttp would read it for the next request of the connection, and inflate all of it.
    """
    if request.content.is_eof() or request.headers.keys().isdisjoint(UNWANTED):
        return
    # From now on aiohttp drops what comes; the answer still goes out.
    request.protocol.close()
    if response is not None:
        response.force_close()
