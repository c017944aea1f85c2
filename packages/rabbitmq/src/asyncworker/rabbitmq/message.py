"""RabbitMQMessage: what a handler is given."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from asyncworker.options import Actions

if TYPE_CHECKING:
    from asyncworker.rabbitmq.channel import ConsumeChannel


@dataclass(slots=True, eq=False, kw_only=True)
class RabbitMQMessage:
    """Hold one message, and what its handler decided about it.

    body: the decoded JSON. queue: the one it was consumed from. redelivered: whether it may have
    been delivered before. The other fields are those of AMQP 0-9-1.
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
    delivery_tag: int = 0
    outcome: Actions | None = field(default=None, init=False)
    channel: ConsumeChannel | None = field(default=None, repr=False)

    def accept(self) -> None:
        """Have the message confirmed, whatever the handler does next."""
        self.outcome = Actions.ACK

    def reject(self, requeue: bool = True) -> None:
        """Have the message put back in its queue, or else dropped or dead-lettered."""
        self.outcome = Actions.REQUEUE if requeue else Actions.REJECT


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
