"""A route of RabbitMQ, checked when it is declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asyncworker.errors import ConfigurationError
from asyncworker.options import Actions, DefaultValues, RouteOptions
from asyncworker.rabbitmq.topology import MAX_QUEUE, Queue
from asyncworker.route_types import RouteTypes
from asyncworker.routes import Route, check_takes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asyncworker.rabbitmq.connection import AMQPConnection
    from asyncworker.routes import Handler


class AMQPOptions(RouteOptions):
    """Hold the options of a RabbitMQ route.

    on_success, on_exception: what is done with messages that say nothing themselves.
    """

    on_success: Actions = DefaultValues.ON_SUCCESS
    on_exception: Actions = DefaultValues.ON_EXCEPTION


@dataclass(frozen=True, slots=True, kw_only=True)
class AMQPRoute(Route):
    """Hold one handler with the queues it consumes, all in one vhost of one broker.

    topology: those that are declared, by name.
    """

    options: AMQPOptions
    connection: AMQPConnection
    vhost: str
    topology: Mapping[str, Queue] = field(default_factory=dict)

    @property
    def bulk_size(self) -> int:
        """Return the most messages of a batch: the broker sends no more than prefetch."""
        return min(self.options.bulk_size, self.connection.prefetch)

    @property
    def concurrency(self) -> int:
        """Return the most batches handled side by side."""
        full_batches = self.connection.prefetch // self.bulk_size
        return min(full_batches, self.options.max_concurrency or full_batches)


def make_route(
    queues: Sequence[str | Queue],
    handler: Handler,
    options: Mapping[Any, Any] | RouteOptions | None,
    connection: AMQPConnection,
    vhost: str | None,
) -> AMQPRoute:
    """Return a route, checked; without a vhost, in the one of the connection.

    Raises: ConfigurationError
    """
    check_takes(handler, "the list of messages")
    names = tuple(one if isinstance(one, str) else one.name for one in queues)
    for name in names:
        if len(name.encode()) > MAX_QUEUE:
            raise ConfigurationError(f"a queue's name has at most {MAX_QUEUE} bytes: {name!r}")
    return AMQPRoute(
        type=RouteTypes.AMQP_RABBITMQ,
        routes=names,
        handler=handler,
        options=AMQPOptions.parse(options),
        connection=connection,
        vhost=connection.checked_vhost(vhost),
        topology={one.name: one for one in queues if isinstance(one, Queue)},
    )
