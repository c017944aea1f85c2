"""A request, as aiohttp makes it, whose answer does not tell versions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web
from aiohttp.http import SERVER_SOFTWARE

from asyncworker.http.responses import SERVER_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


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
    # What all requests of a server are given, told once: a call less for each of them.
    [*_, loop], options = make(*[None] * 5, _cls=lambda *given, **options: (given, options))
    return partial(Request, loop=loop, **options)
