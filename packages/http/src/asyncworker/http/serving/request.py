"""A request, as aiohttp makes it, whose answer does not tell versions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import hdrs, web
from aiohttp.http import SERVER_SOFTWARE

from asyncworker.http.responses import SERVER_NAME

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine


class Request(web.Request):
    """Be aiohttp's request; the signal that aiohttp has costs twice as much, and misses errors."""

    def _prepare_hook(self, response: web.StreamResponse) -> Coroutine[Any, Any, None]:
        """Put our name in the place of aiohttp's, and send the signals of the application."""
        _name(response)
        return super()._prepare_hook(response)


def requests_of(server: web.Server, application: web.Application) -> Callable[..., Any]:
    """Return what makes the requests of an application's server."""
    make: Any = server.request_factory
    # What all requests of a server are given, told once: a call less for each of them.
    [*_, loop], options = make(*[None] * 5, _cls=lambda *given, **options: (given, options))
    made = Request if _has_signals(application) else _without_signals(loop)
    return partial(made, loop=loop, **options)


def _without_signals(loop: asyncio.AbstractEventLoop) -> type[web.Request]:
    """Return the class of requests where nobody wants a signal: a coroutine less for each."""
    done = loop.create_future()
    done.set_result(None)

    class Quiet(web.Request):
        def _prepare_hook(self, response: web.StreamResponse) -> Any:
            _name(response)
            return done

    return Quiet


def _has_signals(application: web.Application) -> bool:
    """Tell whether anything is to be called before an answer; it cannot change any more."""
    own = application.on_response_prepare
    return bool(own) or any(map(_has_signals, application._subapps))  # noqa: SLF001


def _name(response: web.StreamResponse) -> None:
    """Put our name in the place of aiohttp's; one that a handler gave stays."""
    headers = response.headers
    if headers.get(hdrs.SERVER) == SERVER_SOFTWARE:
        headers[hdrs.SERVER] = SERVER_NAME
