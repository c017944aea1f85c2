"""A route whose messages are asked for, checked when it is declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from asyncworker.codecs import by_content_type
from asyncworker.codecs.declared import typed
from asyncworker.codecs.problems import raised
from asyncworker.errors import ConfigurationError, Invalid
from asyncworker.intake.delays import Delays
from asyncworker.operation import Operation
from asyncworker.parameters.batches import Batches, plan
from asyncworker.parameters.header_value import header_of
from asyncworker.pausing.circuit import Circuit
from asyncworker.polling.options import PolledOptions
from asyncworker.routes import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from asyncworker.app import App
    from asyncworker.codecs.codec import Codec
    from asyncworker.connections import Connection
    from asyncworker.handler_options import HandlerOptions
    from asyncworker.parameters.batches import Plan
    from asyncworker.polling.message import PolledMessage
    from asyncworker.polling.source import Source
    from asyncworker.routes import Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class PolledRoute(Route):
    """Hold one handler with the names that its messages are read from; a backend extends it.

    message: the class of its messages. prefetch: the most that are read and not settled.
    opened: returns what a route is read from, as an `async with`. failures: what that raises when
    what is behind it cannot be had.
    read_body: returns the body of a message, or raises Invalid. delays: what it waits for by the
    clock.
    """

    options: PolledOptions
    connection: Connection
    message: type[PolledMessage[Any]]
    prefetch: int
    opened: Callable[[Any], AbstractAsyncContextManager[Source]] = field(repr=False)
    failures: tuple[type[Exception], ...] = field(repr=False)
    read_body: Callable[[Any], Any] = field(repr=False)
    circuit: Circuit = field(repr=False, compare=False)
    delays: Delays = field(default_factory=Delays, repr=False, compare=False)

    @classmethod
    def declared(
        cls,
        app: App,
        handler: Handler,
        options: Mapping[Any, Any] | HandlerOptions | None,
        message: type[PolledMessage[Any]],
        prefetch: int,
        **more: Any,
    ) -> Self:
        """Return a route, checked: by what its handler asks for, and by its options.

        prefetch: a batch has room among these, if it needs more.
        more: all other fields of the route, those of the backend too, but for what is made here.
        Raises: ConfigurationError
        """
        checked = PolledOptions.parse(options)
        checked.check_together()
        if checked.rate is not None and checked.rate.shared:
            raise ConfigurationError("Options.RATE: nobody knows who else reads: leave shared out")
        asked = plan(app, handler, Batches(message, "message", checked.bulk_size, header_of))
        return cls(
            handler=asked.handler,
            options=checked,
            message=message,
            prefetch=max(prefetch, checked.bulk_size),
            read_body=_reading(checked.codec or by_content_type.codec, asked),
            circuit=Circuit(checked.breaker),
            **more,
        )

    @property
    def concurrency(self) -> int:
        """Return the most batches handled side by side."""
        full_batches = self.prefetch // self.options.bulk_size
        return min(full_batches, self.options.max_concurrency or full_batches)

    def subject(self, name: str) -> str:
        """Return what logs and problems call one of its names."""
        return f"handler {self.handler_name}, {name!r}"

    def operation(self, *arguments: Any) -> Operation:
        """Return what a span tells of a batch: it goes on where the one message of it does."""
        [batch] = arguments
        told: dict[str, str | int] = {
            "messaging.system": self.type.value,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
        }
        name = "process"
        if len(names := {message.name for message in batch}) == 1:
            [told["messaging.destination.name"]] = names
            name = f"process {told['messaging.destination.name']}"
        carried = [message.headers for message in batch]
        if self.options.bulk_size == 1:
            told["messaging.message.id"] = batch[0].id
            return Operation(name, "CONSUMER", told, parent=carried[0])
        told["messaging.batch.message_count"] = len(batch)
        return Operation(name, "CONSUMER", told, links=carried)


def _reading(codec: Codec, asked: Plan) -> Callable[[PolledMessage[Any]], Any]:
    """Return what decodes the body of a message, once all else fits that its handler asks for."""
    decode = typed(codec, asked.body)

    def read(message: PolledMessage[Any]) -> Any:
        for check in asked.marked:
            check(message)
        try:
            return decode(message.raw_body, message)
        except Invalid:
            raise
        except Exception as error:  # noqa: BLE001 (codecs and validators of users)
            raise raised(error) from None

    return read
