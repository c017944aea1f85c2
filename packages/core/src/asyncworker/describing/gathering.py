"""What all routes of an app take and give, as its backends say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.backend import Describing, load_backend
from asyncworker.description import Channel, Description, Operation

if TYPE_CHECKING:
    from asyncworker.app import App
    from asyncworker.route_types import RouteType


def described(app: App) -> Description:
    """Return what the routes of an app take and give, in the order in which types are first met."""
    types = dict.fromkeys(route.type for route in app.routes)
    told = [_of_type(app, one) for one in types]
    return Description(
        operations=tuple(each for one in told for each in one.operations),
        endpoints=tuple(each for one in told for each in one.endpoints),
    )


def _of_type(app: App, route_type: RouteType) -> Description:
    """Return what the routes of one backend do; what is known of them, if that does not tell."""
    routes = [route for route in app.routes if route.type == route_type]
    backend = load_backend(route_type)
    if isinstance(backend, Describing):
        return backend.describe(app, routes)
    return Description(
        operations=tuple(
            Operation(action="receive", channel=Channel(address=name), handler=route.handler)
            for route in routes
            for name in route.routes
        )
    )
