"""RabbitMQMessage: what a handler is given."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic

from asyncworker.errors import ConfigurationError
from asyncworker.options import Actions
from asyncworker.rabbitmq.amqp.properties import (
    TEXTS,
    read_headers,
    read_others,
    read_properties,
    short_string,
)
from asyncworker.rabbitmq.checks import checked_seconds
from asyncworker.rabbitmq.delaying.delayed import as_published, was_delayed
from asyncworker.rabbitmq.publishing.encoding import DEFAULT, encoded_message
from asyncworker.rabbitmq.publishing.message import Message
from asyncworker.rabbitmq.retry import Later
from asyncworker.rabbitmq.retrying.attempts import delivery_count_of, past_of

if sys.version_info >= (3, 13):
    from typing import TypeVar
else:
    from typing_extensions import TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
    from asyncworker.rabbitmq.wire.content_reader import Content
    from asyncworker.rabbitmq.wire.outgoing import Outgoing

Body = TypeVar("Body", default=Any)

ADDRESS: Final = ("attempt", "exchange", "routing_key")
PROPERTIES: Final = ("message_id", "content_type")
OTHERS: Final = (*TEXTS, "delivery_mode", "priority", "timestamp")
"""Properties that few handlers use: they are decoded together."""
UNSET: Final = ("returned", "context", "offset")
"""What is None until something sets it."""
NOT_DELIVERED: Final = (0, b"", b"", b"")
"""The content of a message that no broker delivered, as a test makes one."""


@dataclass(slots=True, eq=False, kw_only=True)
class RabbitMQMessage(Generic[Body]):
    """Hold one message, and what its handler decided about it.

    `RabbitMQMessage[Order]` has a body of that type.

    body: what it was decoded to, by the codec of its route. raw_body: its bytes, as they came.
    queue: the one it was consumed from.
    exchange, routing_key: those it was published with, however often it was retried.
    headers, message_id, content_type, content_encoding, correlation_id, reply_to, type, app_id,
    user_id, priority, delivery_mode: those of AMQP 0-9-1 (1.8.1), decoded when they are first used;
    None when it has no such property. timestamp: an aware datetime, to the second. expiration:
    seconds. The last two are None too when they are no such thing.
    redelivered: whether it may have been delivered before.
    attempt: 1, and one more each time that it was retried.
    delivery_count: how often it has come back since then, as quorum queues count it: returned by a
    handler that failed, or by a connection that was lost. 0 in other queues.
    delivery_tag: its number on the channel that delivered it.
    offset: where it stands in its stream; None out of a queue.
    outcome: what `accept()`, `reject()` or `retry()` decided last; None as long as none did.
    held: what `put()` was given, on its way; None when that has left.
    context: where what leaves with it goes on, as the trace of it has it; None without one.
    """

    body: Body
    raw_body: bytes = field(default=b"", repr=False)
    queue: str = ""
    exchange: str = ""
    routing_key: str = ""
    headers: dict[str, Any] = field(default_factory=dict)
    message_id: str | None = None
    content_type: str | None = None
    content_encoding: str | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    type: str | None = None
    app_id: str | None = None
    user_id: str | None = None
    priority: int | None = None
    delivery_mode: int | None = None
    timestamp: datetime | None = None
    expiration: float | None = None
    redelivered: bool = False
    attempt: int = 1
    delivery_count: int = 0
    delivery_tag: int = 0
    offset: int | None = None
    outcome: Actions | Later | None = field(default=None, init=False)
    held: Sequence[Outgoing] | None = field(default=(), init=False, repr=False)
    returned: Any = field(default=None, init=False, repr=False)
    context: Any = field(default=None, init=False, repr=False)
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

    def put(
        self,
        body: Any,
        routing_key: str = "",
        exchange: str = "",
        *,
        headers: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        mandatory: bool = True,
        message_id: str | None = None,
        correlation_id: str | None = None,
        reply_to: str | None = None,
        type: str | None = None,
        priority: int | None = None,
        timestamp: datetime | None = None,
        expiration: float | None = None,
        app_id: str | None = None,
        content_type: str | None = None,
        delay: float | None = None,
        at: datetime | None = None,
    ) -> None:
        """Have another message published, and confirmed by the broker, before this one is settled.

        It is held until the handler has succeeded. It is dropped when that failed, or when this
        message is put back, rejected or retried. What cannot be published counts as raised by the
        handler. It goes to the broker that this message came from, and to its vhost.

        body, routing_key, exchange and the others: as `AMQPConnection.put()` takes them.

        Raises: NotSerializable, ConfigurationError
        """
        channel = self.channel
        message = Message(
            body,
            routing_key,
            exchange,
            headers=headers,
            properties=properties,
            mandatory=mandatory,
            message_id=message_id,
            correlation_id=correlation_id,
            reply_to=reply_to,
            type=type,
            priority=priority,
            timestamp=timestamp,
            expiration=expiration,
            app_id=app_id,
            content_type=content_type,
            delay=delay,
            at=at,
        )
        outgoing = encoded_message(message, DEFAULT if channel is None else channel.codec)
        if self.held is None or (channel is not None and channel.is_settled(self.delivery_tag)):
            raise ConfigurationError("put() comes too late: the message is settled already")
        self.held = [*self.held, outgoing]
        if channel is not None:
            channel.holds = True

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Decode what a delivery carries beside its body, on its first use."""
            if name == "held":
                self.held = ()
            elif name in UNSET:
                setattr(self, name, None)
            elif name in ADDRESS:
                self._decode_address()
            elif name in PROPERTIES:
                self.content_type, _, self.message_id = read_properties(self.content[2])
            elif name in OTHERS:
                self._decode_others()
            elif name == "delivery_count":
                self.delivery_count = delivery_count_of(self.content[2])
            elif name == "headers":
                self._decode_headers()
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

    def _decode_headers(self) -> None:
        properties = self.content[2]
        headers = read_headers(read_properties(properties).headers)
        self.headers = as_published(headers) if was_delayed(properties) else headers

    def _decode_others(self) -> None:
        properties = self.content[2]
        others = read_others(properties)
        past = past_of(properties)
        others["user_id"] = others["user_id"] or past.user_id
        others["expiration"] = _seconds(others["expiration"] or past.expiration)
        for name, value in others.items():
            setattr(self, name, value)


def _seconds(expiration: str | None) -> float | None:
    """Return an expiration, which is milliseconds in decimal digits, in seconds."""
    if expiration is None or not (expiration.isascii() and expiration.isdecimal()):
        return None
    return int(expiration[:20]) / 1000
