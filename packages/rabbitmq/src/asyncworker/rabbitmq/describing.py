"""What RabbitMQ routes take, publish and answer, for the documents of an app."""

from __future__ import annotations

import types
from inspect import Parameter
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel

from asyncworker.description import Channel, Description, Field, Message, Operation, Server
from asyncworker.parameters.batches import LISTS
from asyncworker.parameters.markers import marker_of, place_of, type_of
from asyncworker.parameters.signature import ANYTHING
from asyncworker.rabbitmq.asking.failure import ERROR
from asyncworker.rabbitmq.publishing.message import Message as Published
from asyncworker.rabbitmq.topology import EXCHANGE_TYPES, Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncworker.codecs import Codec
    from asyncworker.connections import Connection
    from asyncworker.rabbitmq.connection import AMQPConnection
    from asyncworker.rabbitmq.route import AMQPRoute
    from asyncworker.rabbitmq.topology import Queue

    Place = tuple[object, str]

NAME: Final = "rabbitmq"
BINDING: Final = "0.3.0"
JSON: Final = "application/json"
OCTETS: Final = "application/octet-stream"
ACKNOWLEDGED: Final = {"amqp": {"ack": True, "bindingVersion": BINDING}}
PERSISTENT: Final = {"amqp": {"deliveryMode": 2, "bindingVersion": BINDING}}
MORE: Final = "x-rabbitmq"
"""Under which a channel tells what bindings of AsyncAPI have no words for."""


class Failure(BaseModel):
    """Say why there is no answer."""

    type: str
    message: str


FAILED: Final = Message(type=Failure, content_type=JSON, headers=(Field(name=ERROR, type=str),))
"""What is answered where a message fails for good."""


class Topology:
    """Know what routes declare, wherever else it is but named.

    connections: of the app.
    """

    def __init__(self, connections: Sequence[Connection], routes: Sequence[AMQPRoute]) -> None:
        self._connections = connections
        self._queues: dict[tuple[Place, str], Queue] = {}
        self._exchanges: dict[tuple[Place, str], Exchange] = {}
        for route in routes:
            for queue in route.declared:
                self._add(_place(route), queue)

    def queue(self, route: AMQPRoute, name: str) -> Channel:
        """Return a queue that is consumed by a route, or published to."""
        declared = self._queues.get((_place(route), name))
        told: dict[str, Any] = {"name": name, "vhost": route.vhost}
        more = {}
        if declared is not None:
            told |= {
                "durable": declared.durable,
                "exclusive": False,
                "autoDelete": declared.auto_delete,
            }
            more = {MORE: told_more} if (told_more := _more(declared)) else {}
        binding = {"is": "queue", "queue": told, "bindingVersion": BINDING}
        return Channel(
            address=name, servers=self._servers(route), bindings={"amqp": binding}, more=more
        )

    def target(self, route: AMQPRoute) -> Channel | None:
        """Return where a route publishes to, if it does."""
        target = route.target
        if target is None:
            return None
        if not target.exchange:
            return self.queue(route, target.routing_key)
        declared = self._exchanges.get((_place(route), target.exchange))
        told: dict[str, Any] = {"name": target.exchange, "vhost": route.vhost}
        if declared is not None:
            kind = {"type": declared.type} if declared.type in EXCHANGE_TYPES else {}
            told |= {**kind, "durable": declared.durable, "autoDelete": declared.auto_delete}
        binding = {"is": "routingKey", "exchange": told, "bindingVersion": BINDING}
        return Channel(
            address=target.routing_key or target.exchange,
            servers=self._servers(route),
            bindings={"amqp": binding},
        )

    def _add(self, place: Place, queue: Queue) -> None:
        self._queues[place, queue.name] = queue
        exchanges = [*(one.exchange for one in queue.bind), queue.dead_letter]
        for exchange in exchanges:
            if isinstance(exchange, Exchange):
                self._exchanges[place, exchange.name] = exchange
        if (dead := queue.dead_queue) is not None:
            self._add(place, dead)

    def _servers(self, route: AMQPRoute) -> tuple[Server, ...]:
        connection = route.connection
        name, broker = self._name(connection), connection.broker
        if route.vhost != connection.vhost:
            name = f"{name}-{route.vhost}"
        path = "" if route.vhost == "/" else f"/{route.vhost}"
        return tuple(
            Server(
                name=name if number == 1 else f"{name}-{number}",
                host=host,
                protocol=broker.scheme,
                path=path,
            )
            for number, host in enumerate(broker.shown_hosts, 1)
        )

    def _name(self, connection: AMQPConnection) -> str:
        if connection.name is not None:
            return connection.name
        kind = type(connection)
        unnamed = [one for one in self._connections if isinstance(one, kind) and one.name is None]
        number = unnamed.index(connection)
        return f"{NAME}-{number + 1}" if number else NAME


def described(connections: Sequence[Connection], routes: Sequence[AMQPRoute]) -> Description:
    """Return what is received, published and answered by routes. connections: of the app."""
    topology = Topology(connections, routes)
    return Description(
        operations=tuple(one for route in routes for one in _operations(route, topology))
    )


def _operations(route: AMQPRoute, topology: Topology) -> Iterator[Operation]:
    for name in route.routes:
        yield Operation(
            action="receive",
            channel=topology.queue(route, name),
            handler=route.handler,
            message=Message(
                type=route.body,
                content_type=_content_type(route.codec, route.body),
                headers=tuple(map(_header, route.fields)),
            ),
            replies=(_left(route, keeps_none=True), FAILED) if route.replies else (),
            bindings=ACKNOWLEDGED,
        )
    if (target := topology.target(route)) is not None:
        yield Operation(
            action="send",
            channel=target,
            handler=route.handler,
            message=_left(route, keeps_none=False),
            bindings=PERSISTENT,
        )


def _header(parameter: Parameter) -> Field:
    marker = marker_of(parameter)
    assert marker is not None  # noqa: S101
    return Field(
        name=place_of(parameter, marker),
        type=type_of(parameter),
        is_required=parameter.default is Parameter.empty,
        default=None if parameter.default is Parameter.empty else parameter.default,
    )


def _left(route: AMQPRoute, *, keeps_none: bool) -> Message:
    """Return what leaves with a message, by what the handler says that it returns.

    keeps_none: whether None is a value as any other, and does not say that nothing leaves.
    """
    returned = route.returns
    if route.takes_list and get_origin(returned) in LISTS:
        (returned,) = get_args(returned)
    declared = _body(returned, keeps_none=keeps_none)
    codec = route.connection.codec
    of_codec = getattr(codec, "content_type", None)
    if of_codec is None and declared is not ANYTHING:
        of_codec = OCTETS if declared is bytes else JSON
    return Message(type=declared, content_type=of_codec)


def _body(returned: Any, *, keeps_none: bool) -> Any:
    """Return the type of a body, by that of what is returned: a Message does not tell it."""
    is_union = get_origin(returned) in (Union, types.UnionType)
    members = get_args(returned) if is_union else (returned,)
    if not keeps_none:
        members = tuple(one for one in members if one is not types.NoneType)
    if not members or any(_is_message(one) for one in members):
        return ANYTHING
    return Union[members] if is_union else returned  # noqa: UP007 (of as many as there are)


def _is_message(one: Any) -> bool:
    return one is Any or (isinstance(one, type) and issubclass(one, Published))


def _content_type(codec: Codec, declared: Any) -> str | None:
    """Return the content type of bodies; None where each says its own."""
    of_codec: str | None = getattr(codec, "content_type", None)
    if of_codec is not None or declared in (ANYTHING, bytes, str):
        return of_codec
    return JSON


def _more(queue: Queue) -> dict[str, Any]:
    arguments = queue.all_arguments
    told: dict[str, Any] = {"arguments": dict(sorted(arguments.items()))} if arguments else {}
    if queue.bind:
        told["bindings"] = [
            {
                "exchange": one.exchange_name,
                **({"type": one.exchange.type} if isinstance(one.exchange, Exchange) else {}),
                "routingKey": one.routing_key,
                **({"arguments": dict(one.arguments)} if one.arguments else {}),
            }
            for one in queue.bind
        ]
    if (dead := queue.dead_queue) is not None or isinstance(queue.dead_letter, str):
        told["deadLetters"] = queue.dead_letter if dead is None else dead.name
    return told


def _place(route: AMQPRoute) -> Place:
    return route.connection.broker.hosts, route.vhost
