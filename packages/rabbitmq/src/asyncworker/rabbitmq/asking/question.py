"""A question on its way out, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq.amqp.methods import REPLY_TO
from asyncworker.rabbitmq.checks import MAX_SECONDS
from asyncworker.rabbitmq.publishing.encoding import encoded_message
from asyncworker.rabbitmq.publishing.header import new_id
from asyncworker.rabbitmq.wire.outgoing import Outgoing

if TYPE_CHECKING:
    from asyncworker.codecs import Codec
    from asyncworker.rabbitmq.publishing.message import Message
    from asyncworker.rabbitmq.wire.content_reader import Content

OURS: Final = ("correlation_id", "reply_to", "expiration")
NO_ANSWER: Final = (0, b"", b"\x00\x00", b"")
TRANSIENT: Final = 1
"""The delivery mode of what no restart of the broker needs to survive: its answer cannot."""


@dataclass(slots=True)
class Question(Outgoing):
    """Hold what is asked, and how far it has come.

    correlation_id: as a short string. is_sent: whether the broker may have it. is_confirmed:
    whether it has. answer: what came back.
    """

    correlation_id: bytes = b""
    is_sent: bool = False
    is_confirmed: bool = False
    answer: Content = NO_ANSWER

    @property
    def is_answered(self) -> bool:
        """Tell whether there is an answer."""
        return self.answer is not NO_ANSWER


def question(message: Message, codec: Codec, timeout: float) -> Question:
    """Return a message as a question, checked. It expires with whoever waits for the answer.

    timeout: seconds.
    Raises: ConfigurationError, NotSerializable
    """
    own = new_id().decode()
    properties = message.properties or {}
    if not isinstance(properties, Mapping):
        raise ConfigurationError(f"properties must be a dict, got {properties!r}")
    for name in OURS:
        if name in properties:
            raise ConfigurationError(f"ask() says {name!r} itself: leave it out of properties")
    asked = replace(
        message,
        properties={"delivery_mode": TRANSIENT, **properties},
        correlation_id=own,
        reply_to=REPLY_TO,
        expiration=timeout if timeout <= MAX_SECONDS else None,
    )
    made = encoded_message(asked, codec)
    return Question(
        body=made.body,
        exchange=made.exchange,
        routing_key=made.routing_key,
        address=made.address,
        header=made.header,
        mandatory=True,
        correlation_id=bytes((len(own),)) + own.encode(),
    )
