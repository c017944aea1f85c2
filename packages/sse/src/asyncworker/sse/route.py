"""A route of event streams, checked when it is declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from asyncworker.codecs.declared import declared_type
from asyncworker.cursors.cursor import checked_cursor
from asyncworker.errors import ConfigurationError
from asyncworker.intake.delays import Delays
from asyncworker.intake.options import IntakeOptions
from asyncworker.operation import Operation
from asyncworker.parameters.signature import ANYTHING
from asyncworker.pausing.circuit import Circuit
from asyncworker.record import COUNT, checked_field
from asyncworker.route_types import RouteTypes
from asyncworker.routes import Route
from asyncworker.sse.address import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.cursors.cursor import Cursor
    from asyncworker.once.claim import Claim
    from asyncworker.parameters.batches import Plan
    from asyncworker.sse.connection import SSEConnection
    from asyncworker.sse.endpoint import Endpoint
    from asyncworker.sse.event import SSEEvent
    from asyncworker.sse.headers import Headers

LONGEST_ID: Final = 200
"""The most characters of an event's id that a span tells."""


class SSEOptions(IntakeOptions):
    """Hold the options of a route of event streams.

    max_concurrency: the most batches handled side by side. More than 1 gives up the order within a
    stream.
    """

    max_concurrency: int = checked_field(default=1, schema=COUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class SSERoute(Route):
    """Hold one handler with the streams it reads, all from one server.

    endpoints: one for each of `routes`, whose queries may hold a secret. body: the type of the
    bodies that the handler wants; object for any. body_of: returns such a body of an event, or
    raises Invalid; None, where it wants none of a type.
    cursor: what keeps its place. delays: what it waits for by the clock. claim: the lock that it
    reads by; None where each process reads.
    """

    routes: tuple[str, ...] = field(repr=False)
    options: SSEOptions
    connection: SSEConnection
    endpoints: tuple[Endpoint, ...] = field(repr=False)
    body: Any = field(default=ANYTHING, repr=False)
    body_of: Callable[[SSEEvent], Any] | None = field(repr=False)
    circuit: Circuit = field(repr=False, compare=False)
    cursor: Cursor | None = field(default=None, repr=False)
    delays: Delays = field(default_factory=Delays, repr=False, compare=False)
    claim: Claim | None = None

    def operation(self, *arguments: Any) -> Operation:
        """Return what a span tells of a batch of events, which begins a trace."""
        [batch] = arguments
        told: dict[str, str | int] = {
            "messaging.system": "sse",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
        }
        name = "process"
        if len(streams := {shown(event.route) for event in batch}) == 1:
            [told["messaging.destination.name"]] = streams
            name = f"process {told['messaging.destination.name']}"
        if self.options.bulk_size > 1:
            told["messaging.batch.message_count"] = len(batch)
        elif identifier := batch[0].id:
            told["messaging.message.id"] = identifier[:LONGEST_ID]
        return Operation(name, "CONSUMER", told)


def make_route(
    paths: tuple[str, ...],
    asked: Plan,
    options: SSEOptions,
    connection: SSEConnection,
    headers: Headers | None,
    cursor: Cursor | None = None,
    claim: Claim | None = None,
) -> SSERoute:
    """Return a route, checked.

    asked: the handler, and what it asks for of the events.
    Raises: ConfigurationError
    """
    options.check_together()
    _check_intake(options)
    return SSERoute(
        type=RouteTypes.SSE,
        routes=paths,
        handler=asked.handler,
        options=options,
        connection=connection,
        endpoints=tuple(connection.endpoint(path, headers) for path in paths),
        body=asked.body,
        body_of=None if asked.body is ANYTHING else _typed(asked.body),
        circuit=Circuit(options.breaker),
        cursor=checked_cursor(cursor, len(paths)),
        claim=claim,
    )


def _check_intake(options: SSEOptions) -> None:
    """Accept what events can be told apart by, and who can share their rate.

    Raises: ConfigurationError
    """
    rate = options.rate
    keys = {"BULK_BY": options.bulk_by, "ORDER_BY": options.order_by, "RATE": rate and rate.by}
    for option, key in keys.items():
        if isinstance(key, str):
            raise ConfigurationError(
                f"Options.{option}: an event has no header {key!r}: give a function of an event"
            )
    if rate is not None and rate.shared:
        raise ConfigurationError(
            "Options.RATE: nobody knows who else reads an event stream: leave shared out"
        )


def _typed(declared: Any) -> Callable[[SSEEvent], Any]:
    validate = declared_type(declared).from_json
    return lambda event: validate(event.data)
