"""Messages that go back because their route is to wait."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from asyncworker.handling.redaction import brief
from asyncworker.rabbitmq.retrying.behind import publish_behind

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.retrying.copies import Copies
    from asyncworker.rabbitmq.route import AMQPRoute

log = logging.getLogger(__name__)


class PutBack:
    """Put messages back whose handler met what has their route wait: that counts no attempt.

    It goes where what no handler was given goes, and so back once nothing more is consumed.

    What fails as the one that is tried, twice in a row, goes behind all others of its queue. It may
    fail for a reason of its own, and else they would wait for it for ever. In a stream nothing can
    go behind others.
    """

    def __init__(
        self,
        route: AMQPRoute,
        copies: Copies,
        hand_over: Callable[[list[list[RabbitMQMessage]]], None],
    ) -> None:
        self._route = route
        self._copies = copies
        self._hand_over = hand_over
        self._tried: tuple[str, str | None, bytes] | None = None
        """What was tried last, in vain."""

    def take(self, message: RabbitMQMessage, channel: ConsumeChannel, *, is_tried: bool) -> None:
        """Put a message back. is_tried: whether it was the one that a paused route tries."""
        known = message.queue, message.message_id, message.raw_body
        if is_tried and known == self._tried and self._route.start is None:
            self._tried = None
            publish = partial(publish_behind, message, self._route)
            self._copies.submit(message, channel, publish, partial(self._keep, message))
            return
        if is_tried:
            self._tried = known
        self._hand_over([[message]])

    def _keep(self, message: RabbitMQMessage, error: Exception) -> None:
        """Put it back where it was, as it cannot go behind the others."""
        log.warning(
            "%s: a message that was tried goes back in front, and is tried again: %s",
            self._route.subject(message.queue),
            brief(error),
        )
        self._hand_over([[message]])
