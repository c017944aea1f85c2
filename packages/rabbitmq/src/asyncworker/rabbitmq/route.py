"""A route of RabbitMQ, checked when it is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

from asyncworker.errors import ConfigurationError
from asyncworker.options import Actions, DefaultValues, RouteOptions
from asyncworker.rabbitmq.checks import checked_name
from asyncworker.rabbitmq.retry import Policy, checked_policy
from asyncworker.rabbitmq.topology import DEAD_LETTER_EXCHANGE, MAX_QUEUE, Queue
from asyncworker.route_types import RouteTypes
from asyncworker.routes import Route, check_takes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncworker.rabbitmq.connection import AMQPConnection
    from asyncworker.routes import Handler


def _checked(value: Any) -> Policy:
    try:
        return checked_policy(value)
    except ConfigurationError as error:
        raise PydanticCustomError("policy", "{reason}", {"reason": str(error)}) from None


def _shown(value: Policy) -> str:
    """Return a policy as the table of routes shows it."""
    if isinstance(value, Mapping):
        return ",".join(f"{one.__name__}:{of}" for one, of in value.items())
    return str(value)


OnException: TypeAlias = Annotated[
    Policy, PlainValidator(_checked), PlainSerializer(_shown, return_type=str, when_used="json")
]


class AMQPOptions(RouteOptions):
    """Hold the options of a RabbitMQ route.

    on_success: what is done with messages whose handler returned, and that say nothing themselves.
    on_exception: what is done with messages whose handler raised, and that say nothing themselves:
    one of `Actions`, a `Retry`, or a dict from exceptions to these. In a dict the class nearest to
    the exception's own counts, and what is not in it is put back.
    """

    on_success: Actions = DefaultValues.ON_SUCCESS
    on_exception: OnException = DefaultValues.ON_EXCEPTION


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

    def drops(self, queue: str) -> bool:
        """Tell whether what is rejected is known to go nowhere, as it is of what is declared."""
        declared = self.topology.get(queue)
        if declared is None or declared.is_stream:
            return False
        return DEAD_LETTER_EXCHANGE not in declared.all_arguments

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
        checked_name("queue", name, MAX_QUEUE, is_ours=False)
    return AMQPRoute(
        type=RouteTypes.AMQP_RABBITMQ,
        routes=names,
        handler=handler,
        options=AMQPOptions.parse(options),
        connection=connection,
        vhost=connection.checked_vhost(vhost),
        topology={one.name: one for one in queues if isinstance(one, Queue)},
    )
