"""A route of event streams, checked when it is declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import Field

from asyncworker.options import RouteOptions
from asyncworker.route_types import RouteTypes
from asyncworker.routes import Route, check_takes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncworker.routes import Handler
    from asyncworker.sse.connection import SSEConnection
    from asyncworker.sse.endpoint import Endpoint
    from asyncworker.sse.headers import Headers


class SSEOptions(RouteOptions):
    """Hold the options of a route of event streams.

    max_concurrency: the most batches handled side by side. More than 1 gives up the order within a
    stream.
    """

    max_concurrency: int = Field(1, ge=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SSERoute(Route):
    """Hold one handler with the streams it reads, all from one server.

    endpoints: one for each of `routes`, whose queries may hold a secret.
    """

    routes: tuple[str, ...] = field(repr=False)
    options: SSEOptions
    connection: SSEConnection
    endpoints: tuple[Endpoint, ...] = field(repr=False)


def make_route(
    paths: tuple[str, ...],
    handler: Handler,
    options: Mapping[Any, Any] | RouteOptions | None,
    connection: SSEConnection,
    headers: Headers | None,
) -> SSERoute:
    """Return a route, checked.

    Raises: ConfigurationError
    """
    check_takes(handler, "the list of events")
    return SSERoute(
        type=RouteTypes.SSE,
        routes=paths,
        handler=handler,
        options=SSEOptions.parse(options),
        connection=connection,
        endpoints=tuple(connection.endpoint(path, headers) for path in paths),
    )
