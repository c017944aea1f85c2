"""What SSE routes take, for the documents of an app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asyncworker.description import Channel, Description, Message, Operation, Server
from asyncworker.parameters.signature import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncworker.connections import Connection
    from asyncworker.sse.connection import SSEConnection
    from asyncworker.sse.route import SSERoute

JSON: Final = "application/json"
NAME: Final = "sse"
GET: Final = {"http": {"method": "GET", "bindingVersion": "0.3.0"}}


def described(connections: Sequence[Connection], routes: Sequence[SSERoute]) -> Description:
    """Return what is received by the streams of routes. connections: of the app."""
    return Description(
        operations=tuple(
            Operation(
                action="receive",
                channel=Channel(
                    # What follows may be a secret.
                    address=path.partition("?")[0],
                    servers=(_server(route.connection, connections),),
                ),
                handler=route.handler,
                message=Message(
                    type=route.body, content_type=None if route.body is ANYTHING else JSON
                ),
                bindings=GET,
            )
            for route in routes
            for path in route.routes
        )
    )


def _server(connection: SSEConnection, connections: Sequence[Connection]) -> Server:
    url = connection.url
    host = f"[{url.host}]" if ":" in (url.host or "") else url.host
    port = "" if url.is_default_port() else f":{url.port}"
    name = connection.name
    if name is None:
        unnamed = [one for one in connections if isinstance(one, type(connection)) and not one.name]
        number = unnamed.index(connection)
        name = f"{NAME}-{number + 1}" if number else NAME
    path = url.path.rstrip("/")
    return Server(name=name, host=f"{host}{port}", protocol=url.scheme, path=path)
