"""Messages, as an intake sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.intake.intake import Items

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from asyncworker.errors import Invalid
    from asyncworker.intake.rate import Key
    from asyncworker.rabbitmq.message import RabbitMQMessage


def intake_items(
    refuse: Callable[[RabbitMQMessage, Invalid], None],
) -> Items[RabbitMQMessage]:
    """Return what an intake has to know. refuse: settles a message whose key cannot be told."""
    return Items(_key_of, _bytes_of, _number_of, refuse)


def _key_of(key: Key) -> Callable[[RabbitMQMessage], Hashable]:
    if not isinstance(key, str):
        return key
    return lambda message: message.headers.get(key)


def _number_of(message: RabbitMQMessage) -> int:
    return message.delivery_tag


def _bytes_of(message: RabbitMQMessage) -> int:
    return len(message.raw_body)
