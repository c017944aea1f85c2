"""A route of HTTP, checked when it is declared."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from asyncworker.errors import ConfigurationError
from asyncworker.handling.time_limit import limited
from asyncworker.http.endpoint import is_answer, make_endpoint, make_expect
from asyncworker.http.parameters.params import make_begin, sources_of
from asyncworker.http.path import check_methods, check_path, same_requests
from asyncworker.http.return_annotation import check_returns, yields_events
from asyncworker.http.streaming.kind import EVENTS
from asyncworker.http.streaming.stream import make_send
from asyncworker.http.traced import traced
from asyncworker.options import HandlerOptions
from asyncworker.parameters.signature import ANYTHING, parameters_of, said_to_return
from asyncworker.route_types import RouteTypes
from asyncworker.routes import Route, name_of, streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from inspect import Parameter

    from aiohttp import web

    from asyncworker.app import App
    from asyncworker.http.endpoint import Endpoint, Expect
    from asyncworker.http.parameters.params import Begin, Filling
    from asyncworker.http.settings import Settings
    from asyncworker.http.streaming.stream import Send
    from asyncworker.routes import Handler
    from asyncworker.tracing.tracing import Tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPRoute(Route):
    """Hold one handler with the methods and paths it answers.

    begins: what answers a request, keyed by method and path. expects: what aiohttp calls before a
    body that the client announces by `Expect`, for those that may refuse it.
    parameters: of the handler; sources: what fills each of them, keyed as well. returns: the type
    of what it returns, or yields, as it says. is_monitor: whether it tells of the app, and so
    nothing is told of it.
    tracing: what makes a span of each request; None where nobody wants one.
    """

    methods: tuple[str, ...]
    begins: Mapping[tuple[str, str], Begin]
    expects: Mapping[tuple[str, str], Expect]
    parameters: tuple[Parameter, ...] = field(default=(), repr=False)
    sources: Mapping[tuple[str, str], Sequence[Filling]] = field(default_factory=dict, repr=False)
    returns: Any = field(default=ANYTHING, repr=False)
    is_monitor: bool = field(default=False, repr=False)
    tracing: Tracing | None = field(default=None, repr=False)

    @property
    def endpoints(self) -> dict[tuple[str, str], Endpoint]:
        """Return what aiohttp calls, keyed by method and path."""
        endpoints = {
            key: make_endpoint(begin, " ".join(key), self.handler_name)
            for key, begin in self.begins.items()
        }
        if (tracing := self.tracing) is None:
            return endpoints
        return {key: traced(endpoint, tracing, key[1]) for key, endpoint in endpoints.items()}

    def around(self, wrap: Callable[[Begin], Begin]) -> HTTPRoute:
        """Return the route with what `wrap` makes of its answers, each made from a request.

        With middlewares, no request is refused before: who may ask comes first.
        """
        begins = {key: wrap(begin) for key, begin in self.begins.items()}
        return replace(self, begins=begins, expects={} if self.middlewares else self.expects)

    def described(self, *arguments: Any) -> Mapping[str, Any]:
        """Return what a `Call` has of a request."""
        [request] = arguments
        return {"request": request}

    def is_answer(self, error: BaseException, *arguments: Any) -> bool:
        """Tell whether what was raised is an answer to the client."""
        [request] = arguments
        return is_answer(error, request)

    def traced(self, tracing: Tracing) -> HTTPRoute:
        """Return the route with a span around each request, refusals included."""
        return self if self.is_monitor else replace(self, tracing=tracing)


def make_route(
    app: App,
    paths: tuple[str, ...],
    handler: Handler,
    options: Mapping[Any, Any] | HandlerOptions | None,
    methods: Iterable[str],
    settings: Settings,
    beside: Iterable[Route],
) -> HTTPRoute:
    """Return a route, checked.

    beside: routes of the same server.
    Raises: ConfigurationError
    """
    checked = HandlerOptions.parse(options)
    check_returns(handler)
    called, send = _way_of(handler, checked.timeout, settings.heartbeat_interval)
    names = check_methods(methods)
    parameters = parameters_of(handler, {"App": type(app)})
    taken = {key for route in beside if isinstance(route, HTTPRoute) for key in _keys(route)}
    begins: dict[tuple[str, str], Begin] = {}
    expects: dict[tuple[str, str], Expect] = {}
    sources: dict[tuple[str, str], Sequence[Filling]] = {}
    for path in paths:
        in_path = check_path(path)
        for method in names:
            key = method, same_requests(path)
            if key in taken:
                raise ConfigurationError(f"{method} {path} has a handler already: choose another")
            taken.add(key)
            sources[method, path] = fillings = sources_of(app, parameters, in_path, method)
            begin, check = make_begin(called, parameters, fillings)
            begins[method, path] = begin if send is None else _sending(begin, send)
            if check is not None:
                expects[method, path] = make_expect(check, f"{method} {path}", name_of(handler))
    return HTTPRoute(
        type=RouteTypes.HTTP,
        routes=paths,
        handler=handler,
        options=checked,
        methods=names,
        begins=begins,
        expects=expects,
        parameters=tuple(parameters),
        sources=sources,
        returns=said_to_return(handler),
    )


def _way_of(
    handler: Handler, timeout: float | None, heartbeat: float
) -> tuple[Handler, Send | None]:
    """Return what is called for a request, and what sends the answers of a handler that yields."""
    if not streams(handler):
        return limited(handler, timeout), None
    kind = EVENTS if yields_events(handler) else None
    return _opened(handler), make_send(handler, timeout, heartbeat, kind)


def _sending(begin: Begin, send: Send) -> Begin:
    """Return what answers a request by all that is yielded: middlewares are around the sending."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await send(request, await begin(request))

    return answer


def _opened(handler: Handler) -> Handler:
    """Return what returns a generator as other handlers return a value."""

    async def opened(*args: Any, **kwargs: Any) -> Any:
        return handler(*args, **kwargs)

    return opened


def _keys(route: HTTPRoute) -> list[tuple[str, str]]:
    return [(method, same_requests(path)) for method, path in route.begins]
