"""What all routes of an app take and give, as its backends say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.backend import Describing, load_backend
from asyncworker.description import Channel, Description, Operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncworker.app import App
    from asyncworker.routes import Route


def described(app: App) -> Description:
    """Return what the routes of an app take and give, in the order in which types are first met."""
    types = list(dict.fromkeys(route.type for route in app.routes))
    told = []
    for one in types:
        backend = load_backend(one)
        routes = [route for route in app.routes if route.type == one]
        is_told = isinstance(backend, Describing)
        told.append(backend.describe(app, routes) if is_told else _plainly(routes))
    return Description(
        operations=tuple(each for one in told for each in one.operations),
        endpoints=tuple(each for one in told for each in one.endpoints),
    )


def _plainly(routes: Sequence[Route]) -> Description:
    """Return what is known of the routes of a backend that does not tell more."""
    return Description(
        operations=tuple(
            Operation(action="receive", channel=Channel(address=name), handler=route.handler)
            for route in routes
            for name in route.routes
        )
    )
