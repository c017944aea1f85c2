"""Message: what is published, as a value."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq.publishing.keywords import NAMES, NOTHING, checked_keywords

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from asyncworker.rabbitmq.publishing.keywords import Keywords


@dataclass(frozen=True, init=False)
class Message:
    """Hold a message that is to be published, and what `put()` takes about it.

    body: what the codec of the connection takes.
    routing_key: the name of a queue, where no exchange is named.
    exchange: its name; the default exchange when left out.
    headers: a dict. properties: those of AMQP 0-9-1, by name.
    mandatory: whether it is an error that no queue takes it.
    message_id: one of its own when left out. correlation_id, reply_to, type, app_id: text.
    priority: from 0 to 255. timestamp: an aware datetime; now when left out.
    expiration: seconds that it may wait in a queue. content_type: as the codec says when left out.
    delay: seconds that the broker keeps it first. at: an aware datetime until which it does.

    Raises: ConfigurationError
    """

    body: Any
    routing_key: str = ""
    exchange: str = ""
    _: KW_ONLY
    headers: Mapping[str, Any] | None = None
    properties: Mapping[str, Any] | None = None
    mandatory: bool = True
    message_id: str | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    type: str | None = None
    priority: int | None = None
    timestamp: datetime | None = None
    expiration: float | None = None
    app_id: str | None = None
    content_type: str | None = None
    delay: float | None = None
    at: datetime | None = None

    def __init__(
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
        # Checked where it is written, but for the body: its codec is not known here.
        if not isinstance(routing_key, str):
            raise ConfigurationError(f"routing_key must be a string, got {routing_key!r}")
        if not isinstance(exchange, str):
            raise ConfigurationError(f"exchange must be a string, got {exchange!r}")
        # What is left out is the class's: to set all of a frozen object takes four times as long.
        own = self.__dict__
        own["body"] = body
        own["routing_key"] = routing_key
        own["exchange"] = exchange
        # In the order of `keywords.NAMES`.
        keywords = (
            message_id,
            correlation_id,
            reply_to,
            type,
            app_id,
            content_type,
            priority,
            timestamp,
            expiration,
            delay,
            at,
        )
        if keywords != NOTHING:
            own.update(checked_keywords(keywords, properties))
        if headers is not None or properties is not None or mandatory is not True:
            own.update(headers=headers, properties=properties, mandatory=mandatory)


PLAIN: Final = 3
"""How many attributes a message has of its own to which only a body and an address were given."""
keywords_of: Final[Callable[[Message], Keywords]] = attrgetter(*NAMES)
"""What was given by name, in the order of NAMES."""
