"""A request, as aiohttp makes it, whose answer does not tell versions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aiohttp import hdrs, web
from aiohttp.http import SERVER_SOFTWARE

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

SERVER_NAME: Final = "asyncworker"
"""Who answered, a proxy or the worker; versions would tell strangers what to try."""


class Request(web.Request):
    """Be aiohttp's request; the signal that aiohttp has costs twice as much, and misses errors."""

    def _prepare_hook(self, response: web.StreamResponse) -> Coroutine[Any, Any, None]:
        """Put our name in the place of aiohttp's; one that a handler gave stays."""
        headers = response.headers
        if headers.get(hdrs.SERVER) == SERVER_SOFTWARE:
            headers[hdrs.SERVER] = SERVER_NAME
        # What super() makes costs more than the call.
        return web.Request._prepare_hook(self, response)  # noqa: SLF001


def requests_of(server: web.Server) -> Callable[..., Any]:
    """Return what makes the requests of an application's server."""
    make: Any = server.request_factory
    return partial(make, _cls=Request)
