"""A route of HTTP, checked when it is declared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asyncworker.errors import ConfigurationError
from asyncworker.http.endpoint import make_endpoint, make_expect
from asyncworker.http.params import make_begin
from asyncworker.http.path import check_methods, check_path, same_requests
from asyncworker.http.signature import parameters_of
from asyncworker.options import HandlerOptions
from asyncworker.route_types import RouteTypes
from asyncworker.routes import Route, name_of
from asyncworker.time_limit import limited

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asyncworker.app import App
    from asyncworker.http.endpoint import Endpoint, Expect
    from asyncworker.routes import Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class HTTPRoute(Route):
    """Hold one handler with the methods and paths it answers.

    endpoints: what aiohttp calls, keyed by method and path. expects: what it calls before a body
    that the client announces by `Expect`, for those that may refuse it.
    """

    methods: tuple[str, ...]
    endpoints: Mapping[tuple[str, str], Endpoint]
    expects: Mapping[tuple[str, str], Expect]


def make_route(
    app: App,
    paths: tuple[str, ...],
    handler: Handler,
    options: Mapping[Any, Any] | HandlerOptions | None,
    methods: Iterable[str],
) -> HTTPRoute:
    """Return a route, checked.

    Raises: ConfigurationError
    """
    checked = HandlerOptions.parse(options)
    bounded = limited(handler, checked.timeout)
    names = check_methods(methods)
    parameters = parameters_of(handler)
    taken = {key for route in app.routes if isinstance(route, HTTPRoute) for key in _keys(route)}
    endpoints: dict[tuple[str, str], Endpoint] = {}
    expects: dict[tuple[str, str], Expect] = {}
    for path in paths:
        in_path = check_path(path)
        for method in names:
            key = method, same_requests(path)
            if key in taken:
                raise ConfigurationError(f"{method} {path} has a handler already: choose another")
            taken.add(key)
            begin, check = make_begin(app, bounded, parameters, in_path, method)
            label = f"{method} {path}: handler {name_of(handler)}"
            endpoints[method, path] = make_endpoint(begin, label)
            if check is not None:
                expects[method, path] = make_expect(check, label)
    return HTTPRoute(
        type=RouteTypes.HTTP,
        routes=paths,
        handler=handler,
        options=checked,
        methods=names,
        endpoints=endpoints,
        expects=expects,
    )


def _keys(route: HTTPRoute) -> list[tuple[str, str]]:
    return [(method, same_requests(path)) for method, path in route.endpoints]
