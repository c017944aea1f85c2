"""The circuits of a handler, by which it is paused and resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.errors import ConfigurationError
from asyncworker.routes import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncworker.pausing.circuit import Circuit
    from asyncworker.routes import Route


def circuits_of(handler: object, routes: Iterable[Route]) -> list[Circuit]:
    """Return those of the routes that a handler serves.

    Raises: ConfigurationError, when it serves none that can be paused.
    """
    found = [
        route.circuit
        for route in routes
        if getattr(route, "decorated", None) is handler and route.circuit is not None
    ]
    if not found:
        name = name_of(handler) if callable(handler) else repr(handler)
        raise ConfigurationError(f"{name} is no handler of a route that can be paused")
    return found
