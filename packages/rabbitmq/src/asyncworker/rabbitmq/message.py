"""RabbitMQMessage: what a handler is given."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json

from asyncworker.options import Actions
from asyncworker.rabbitmq.attempts import delivery_count_of, past_of
from asyncworker.rabbitmq.checks import checked_seconds
from asyncworker.rabbitmq.properties import read_headers, read_properties, short_string
from asyncworker.rabbitmq.retry import Later

if TYPE_CHECKING:
    from asyncworker.rabbitmq.channel import ConsumeChannel
    from asyncworker.rabbitmq.inlet import Content

ADDRESS: Final = ("attempt", "exchange", "routing_key")
PROPERTIES: Final = ("message_id", "content_type")
NOT_DELIVERED: Final = (0, b"", b"", b"")
"""The content of a message that no broker delivered, as a test makes one."""


@dataclass(slots=True, eq=False, kw_only=True)
class RabbitMQMessage:
    """Hold one message, and what its handler decided about it.

    body: the decoded JSON. raw_body: its bytes. queue: the one it was consumed from.
    exchange, routing_key: those it was published with, however often it was retried.
    headers, message_id, content_type: those of AMQP 0-9-1, decoded when they are first used.
    redelivered: whether it may have been delivered before.
    attempt: 1, and one more each time that it was retried.
    delivery_count: how often it has come back since then, as quorum queues count it: returned by a
    handler that failed, or by a connection that was lost. 0 in other queues.
    delivery_tag: its number on the channel that delivered it.
    outcome: what `accept()`, `reject()` or `retry()` decided last; None as long as none did.
    """

    body: Any
    raw_body: bytes = field(default=b"", repr=False)
    queue: str = ""
    exchange: str = ""
    routing_key: str = ""
    headers: dict[str, Any] = field(default_factory=dict)
    message_id: str | None = None
    content_type: str | None = None
    redelivered: bool = False
    attempt: int = 1
    delivery_count: int = 0
    delivery_tag: int = 0
    outcome: Actions | Later | None = field(default=None, init=False)
    channel: ConsumeChannel | None = field(default=None, repr=False)
    content: Content = field(default=NOT_DELIVERED, init=False, repr=False)

    def accept(self) -> None:
        """Have the message confirmed, whatever the handler does next."""
        self.outcome = Actions.ACK

    def reject(self, requeue: bool = True) -> None:
        """Have the message put back in its queue, or else dropped or dead-lettered.

        requeue: whether it goes back.
        """
        self.outcome = Actions.REQUEUE if requeue else Actions.REJECT

    def retry(self, delay: float | None = None) -> None:
        """Have the message handled again later, as its next attempt; the broker keeps it.

        delay: seconds; as the route's Retry has it when left out, or else as `Retry()` has.
        Raises: ConfigurationError
        """
        if delay is not None:
            checked_seconds("delay", delay)
        self.outcome = Later(delay)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Decode what a delivery carries beside its body, on its first use."""
            if name in ADDRESS:
                self._decode_address()
            elif name in PROPERTIES:
                self.content_type, _, self.message_id = read_properties(self.content[2])
            elif name == "delivery_count":
                self.delivery_count = delivery_count_of(self.content[2])
            elif name == "headers":
                self.headers = read_headers(read_properties(self.content[2]).headers)
            else:
                raise AttributeError(f"RabbitMQMessage has no attribute {name!r}")
            return object.__getattribute__(self, name)

    def _decode_address(self) -> None:
        """Read Basic.Deliver on from the delivery tag (1.8.3.13)."""
        arguments = self.content[1]
        self.exchange, at = short_string(arguments, arguments[0] + 10)
        self.routing_key, _ = short_string(arguments, at)
        past = past_of(self.content[2])
        self.attempt = past.attempt
        if past.exchange is not None and past.routing_key is not None:
            self.exchange, self.routing_key = past.exchange, past.routing_key


def decode(raw_body: bytes) -> Any:
    """Return the JSON value of a body.

    Raises: ValueError, RecursionError
    """
    try:
        return from_json(raw_body)
    except ValueError:
        # The slower decoder takes some valid JSON that the fast one refuses: deep nesting, lone
        # surrogates, UTF-16 and UTF-32.
        return json.loads(raw_body)
