"""A route of RabbitMQ, checked when it is declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from asyncworker.codecs import checked
from asyncworker.codecs.codec import Codec, shown
from asyncworker.errors import ConfigurationError
from asyncworker.intake.delays import Delays
from asyncworker.intake.options import IntakeOptions
from asyncworker.options import Actions, DefaultValues
from asyncworker.parameters.signature import ANYTHING, said_to_return
from asyncworker.pausing.circuit import Circuit
from asyncworker.rabbitmq.checks import checked_flag, checked_name, checked_short
from asyncworker.rabbitmq.consumer import SHARED, Consumer
from asyncworker.rabbitmq.dead_queues import checked_traceback
from asyncworker.rabbitmq.decoding import Decoder
from asyncworker.rabbitmq.operations import processing, processing_one, server_of
from asyncworker.rabbitmq.policy import Policy, checked_policy
from asyncworker.rabbitmq.retry import Retry
from asyncworker.rabbitmq.shards import Shards, check_suits_shards, queues_of, shards_of
from asyncworker.rabbitmq.streams.start import Start, check_suits_stream, checked_start
from asyncworker.rabbitmq.target import Target, checked_target, returns_nothing
from asyncworker.rabbitmq.topology import DEAD_LETTER_EXCHANGE, MAX_QUEUE, Queue
from asyncworker.record import by, checked_field, member_of, one_of
from asyncworker.route_types import RouteTypes
from asyncworker.routes import Route, name_of, standing_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from inspect import Parameter

    from asyncworker.cursors.cursor import Cursor
    from asyncworker.operation import Operation
    from asyncworker.parameters.batches import Plan
    from asyncworker.rabbitmq.connection import AMQPConnection
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.streams.offset import Offset
    from asyncworker.routes import Handler
    from asyncworker.tracing.tracing import Tracing


def _checked_codec(value: Any) -> Codec | None:
    return None if value is None else checked(value)


def _checked_outcome(value: Any) -> Actions | Retry:
    if not isinstance(value, Actions | Retry):
        raise ConfigurationError("must be one of Actions or a Retry")
    return value


def _shown(value: Policy) -> str:
    """Return a policy as the table of routes shows it."""
    if isinstance(value, Mapping):
        return ",".join(f"{one.__name__}:{of}" for one, of in value.items())
    return str(value)


class AMQPOptions(IntakeOptions):
    """Hold the options of a RabbitMQ route.

    on_success: what is done with messages whose handler returned, and that say nothing themselves.
    on_exception: what is done with messages whose handler raised, and that say nothing themselves:
    one of `Actions`, a `Retry`, a `Split`, a `Pause`, or a dict from exceptions to these. In a dict
    the class nearest to the exception's own counts, and what is not in it is put back.
    on_invalid: what is done with messages whose body cannot be decoded, or does not fit its type:
    one of `Actions`, or a `Retry`. No handler is given them.
    codec: what bodies are decoded by, itself or its name. None: what the connection says.
    order_on_failure: what becomes of a key whose message is to be handled once more: `hold`, it
    waits for that, or `pass`, it goes on.
    """

    on_success: Actions = checked_field(default=DefaultValues.ON_SUCCESS, schema=member_of(Actions))
    on_exception: Policy = checked_field(
        default=DefaultValues.ON_EXCEPTION, schema=by(checked_policy), shown=_shown
    )
    on_invalid: Actions | Retry = checked_field(
        default=DefaultValues.ON_INVALID, schema=by(_checked_outcome), shown=_shown
    )
    codec: Codec | None = checked_field(default=None, schema=by(_checked_codec), shown=shown)
    order_on_failure: Literal["hold", "pass"] = checked_field(
        default="hold", schema=one_of("hold", "pass")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AMQPRoute(Route):
    """Hold one handler with the queues it consumes, all in one vhost of one broker.

    topology: those that are declared, by name. body: the type of the bodies that the handler wants;
    object for any. fields: its parameters that headers fill. returns: the type of what it returns,
    where that leaves. decode: returns the body of a message that was delivered.
    takes_list: whether the handler takes the list of messages, not the only one.
    target: where what it returns is published; target_queue: the queue that is declared there.
    dead_letter_traceback: whether dead letters carry the traceback. replies: whether what it
    returns is the answer to who asked. own_prefetch: what it says in place of its connection.
    consumer: in what way its queues are consumed. start: where they are begun, if they are streams.
    delays: what it waits for by the clock. shards: what it consumes a part of, if that is divided.
    """

    options: AMQPOptions
    connection: AMQPConnection
    vhost: str
    circuit: Circuit = field(repr=False, compare=False)
    topology: Mapping[str, Queue] = field(default_factory=dict)
    body: Any = field(default=ANYTHING, repr=False)
    fields: tuple[Parameter, ...] = field(default=(), repr=False)
    returns: Any = field(default=ANYTHING, repr=False)
    decode: Decoder = field(repr=False)
    takes_list: bool = field(default=True, repr=False)
    target: Target | None = None
    target_queue: Queue | None = field(default=None, repr=False)
    dead_letter_traceback: bool = field(default=False, repr=False)
    replies: bool = False
    own_prefetch: int | None = field(default=None, repr=False)
    consumer: Consumer = field(default=SHARED, repr=False)
    start: Start | None = field(default=None, repr=False)
    delays: Delays = field(default_factory=Delays, repr=False, compare=False)
    shards: Shards | None = field(default=None, repr=False)

    @property
    def codec(self) -> Codec:
        """Return what decodes its messages."""
        return self.options.codec or self.connection.codec

    @property
    def holds_failed(self) -> bool:
        """Tell whether what is to be handled once more waits here for that, and not in a queue."""
        if self.start is not None:
            return True
        return self.options.order_by is not None and self.options.order_on_failure == "hold"

    @property
    def sends_returned(self) -> bool:
        """Tell whether what the handler returns leaves with its messages."""
        return self.replies or self.target is not None

    @property
    def declared(self) -> list[Queue]:
        """Return all that are declared, the one that it publishes to as well."""
        own = list(self.topology.values())
        return own if self.target_queue is None else [*own, self.target_queue]

    @property
    def bulk_size(self) -> int:
        """Return the most messages of a batch."""
        return self.options.bulk_size

    @property
    def prefetch(self) -> int:
        """Return the most unsettled messages of each of its queues: a batch has room among them."""
        if self.own_prefetch is not None:
            return self.own_prefetch
        return max(self.connection.prefetch, self.bulk_size)

    def drops(self, queue: str) -> bool:
        """Tell whether what is rejected is known to go nowhere, as it is of what is declared."""
        declared = self.topology.get(queue)
        if declared is None or declared.is_stream:
            return False
        return DEAD_LETTER_EXCHANGE not in declared.all_arguments

    def subject(self, queue: str) -> str:
        """Return what logs and problems name that tell of one of its queues."""
        return f"handler {self.handler_name}, queue {queue!r}, vhost {self.vhost!r}"

    def operation(self, *arguments: Any) -> Operation:
        """Return what a span tells of a batch: it goes on where the one message of it does."""
        [batch] = arguments
        server = server_of(self.connection.broker)
        if self.bulk_size == 1:
            return processing_one(batch[0], server)
        return processing(batch, server)

    def traced(self, tracing: Tracing) -> AMQPRoute:
        """Return the route with a span around each call, in which goes on what then leaves."""
        handler = self.handler

        @standing_for(handler)
        async def call(batch: list[RabbitMQMessage]) -> Any:
            context = tracing.here()
            for message in batch:
                message.context = context
            return await handler(batch)

        return replace(self, handler=tracing.around(call, self.operation))

    @property
    def concurrency(self) -> int:
        """Return the most batches handled side by side."""
        full_batches = self.prefetch // self.bulk_size
        return min(full_batches, self.options.max_concurrency or full_batches)


def make_route(
    routes: Sequence[str | Queue | Shards],
    asked: Plan,
    options: AMQPOptions,
    connection: AMQPConnection,
    vhost: str | None,
    publish_to: str | Queue | Target | None = None,
    dead_letter_traceback: bool = False,
    replies: bool = False,
    prefetch: int | None = None,
    consumer: Consumer = SHARED,
    offset: Offset | None = None,
    cursor: Cursor | None = None,
) -> AMQPRoute:
    """Return a route, checked; without a vhost, in the one of the connection.

    asked: the handler, and what it asks for of the messages. publish_to: where what it returns is
    published.
    Raises: ConfigurationError
    """
    shards, queues = shards_of(routes), queues_of(routes)
    options = _checked_together(options, shards)
    names = tuple(one if isinstance(one, str) else one.name for one in queues)
    for name in names:
        checked_name("queue", name, MAX_QUEUE, is_ours=False)
    topology = {one.name: one for one in queues if isinstance(one, Queue)}
    checked_flag("route", "replies", replies)
    _check_prefetch(prefetch, options.bulk_size)
    _check_consumer(consumer, shards)
    start = checked_start(offset, cursor, names, topology)
    if start is not None:
        check_suits_stream(options.given, consumer)
    if replies and publish_to is not None:
        raise ConfigurationError(
            "publish_to= and replies=True are both given: what is returned goes to one place; "
            "publish the other by message.put()"
        )
    if replies:
        _check_sends(asked.handler, options, "replies")
    if publish_to is not None:
        _check_sends(asked.handler, options, "publish_to")
    return AMQPRoute(
        type=RouteTypes.AMQP_RABBITMQ,
        routes=names,
        handler=asked.handler,
        options=options,
        connection=connection,
        vhost=connection.checked_vhost(vhost),
        topology=topology,
        body=asked.body,
        fields=asked.fields,
        returns=said_to_return(asked.handler) if replies or publish_to is not None else ANYTHING,
        decode=Decoder(options.codec or connection.codec, asked.body, asked.marked),
        takes_list=not asked.is_single,
        target=None if publish_to is None else checked_target(publish_to),
        target_queue=publish_to if isinstance(publish_to, Queue) else None,
        replies=replies,
        circuit=Circuit(options.breaker),
        dead_letter_traceback=checked_traceback(dead_letter_traceback, names, topology.values()),
        own_prefetch=prefetch,
        consumer=consumer,
        start=start,
        shards=shards,
    )


def _checked_together(options: AMQPOptions, shards: Shards | None) -> AMQPOptions:
    """Return options that mean something beside each other; shards have an order if none is said.

    Raises: ConfigurationError
    """
    if shards is not None and "order_by" not in options.given:
        options = AMQPOptions(**options.given, order_by=shards.by)
    options.check_together()
    if "order_on_failure" in options.given and options.order_by is None:
        raise ConfigurationError(
            "Options.ORDER_ON_FAILURE is about the keys of Options.ORDER_BY: say that too"
        )
    return options


def _check_consumer(consumer: object, shards: Shards | None) -> None:
    """Accept in what way queues are consumed.

    Raises: ConfigurationError
    """
    if not isinstance(consumer, Consumer):
        raise ConfigurationError(f"consumer must be a Consumer, got {consumer!r}")
    if shards is not None:
        check_suits_shards(shards, consumer)


def _check_prefetch(prefetch: int | None, bulk_size: int) -> None:
    """Accept what has room for a batch.

    Raises: ConfigurationError
    """
    if prefetch is None:
        checked_short("Options.BULK_SIZE of a queue", bulk_size, 1)
    elif checked_short("prefetch", prefetch, 1) < bulk_size:
        raise ConfigurationError(
            f"prefetch={prefetch} has no room for a batch of Options.BULK_SIZE={bulk_size}: "
            "raise it, or leave it out"
        )


def _check_sends(handler: Handler, options: AMQPOptions, argument: str) -> None:
    """Accept a handler that may return something, and messages that are acknowledged then.

    argument: what has that published.
    Raises: ConfigurationError
    """
    name = name_of(handler)
    if returns_nothing(handler):
        raise ConfigurationError(
            f"handler {name}: {argument} publishes what it returns, and it says -> None: return "
            f"what is to be published, or leave {argument} out"
        )
    if options.on_success is not Actions.ACK:
        raise ConfigurationError(
            f"handler {name}: {argument} publishes with messages that are acknowledged, and "
            f"Events.ON_SUCCESS is {options.on_success}: leave one of them out"
        )
