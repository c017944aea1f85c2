"""Messages that come back too often: the broker would drop them."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.errors import BrokerError
from asyncworker.rabbitmq.remarks import remark_on_limit
from asyncworker.rabbitmq.retrying.attempts import limited_count_of
from asyncworker.rabbitmq.retrying.behind import PUBLISH_TIMEOUT, publish_behind, publisher_of
from asyncworker.rabbitmq.topology import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.rabbitmq.buffering.gate import Gate
    from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
    from asyncworker.rabbitmq.declaring.declarations import Declarations
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.retrying.copies import Copies
    from asyncworker.rabbitmq.route import AMQPRoute

log = logging.getLogger(__name__)

DEFAULT_LIMIT: Final = 20
"""What RabbitMQ has come back to a quorum queue that was given no limit, since 4.0."""
KEPT_FROM: Final = 11
"""From this count on a message is kept. What is lost meanwhile leaves nine more chances; a limit of
up to ten, which somebody must have set on purpose, is reached before."""
WARY_FROM: Final = 5
"""From this count on of any message, nothing is consumed before copies can be published."""


class DeliveryLimit:
    """Keep messages alive that a quorum queue would drop for having come back too often.

    Since RabbitMQ 4.0 it drops, or dead-letters, what came back 20 times, unless it has a limit of
    its own. Lost connections count, and before 4.3 all that is given back, so that a message can be
    dropped which no handler was given. Each delivery carries the count. Before it nears the limit a
    copy is published to the same queue, where it counts as new, and confirmed; then the original is
    acknowledged. It costs the message its place: it goes on at the queue's end. Meanwhile the gate
    is closed.

    A queue that the route declares with a `delivery_limit` is left to the broker.

    handle: takes those of which no copy could be published.
    """

    def __init__(
        self,
        route: AMQPRoute,
        copies: Copies,
        declarations: Declarations,
        gate: Gate,
        handle: Callable[[list[RabbitMQMessage]], None],
    ) -> None:
        self._route = route
        self._copies = copies
        self._gate = gate
        self._handle = handle
        self._warned: set[str] = set()
        self._remarked: set[str] = set()
        self._declarations = declarations
        self._is_wary = False

    async def prepare(self) -> None:
        """Have copies go out at once, if it must be feared that some will be needed.

        Connections may be lost so soon, time and again, that they would all come too late.
        """
        if self._is_wary:
            with suppress(BrokerError, TimeoutError):
                await publisher_of(self._route).ready(PUBLISH_TIMEOUT)

    def remark(self, queue: str) -> None:
        """Log, once for a queue, what its owner should know of its limit."""
        declared = self._route.topology.get(queue)
        if declared is None or queue in self._remarked:
            return
        self._remarked.add(queue)
        if text := remark_on_limit(declared, self._declarations.without_limit):
            log.warning("queue %r, vhost %r: %s", queue, self._route.vhost, text)

    def spared(self, messages: list[RabbitMQMessage]) -> list[RabbitMQMessage]:
        """Return the messages that are far from the limit; have the others kept."""
        # What was never delivered before is far from it, and most messages are like that.
        if not [message for message in messages if message.redelivered]:
            return messages
        spared = []
        for message in messages:
            channel = message.channel
            if channel is not None and self._is_near(message, channel):
                self._keep(message, channel)
            else:
                spared.append(message)
        return spared

    def _is_near(self, message: RabbitMQMessage, channel: ConsumeChannel) -> bool:
        if not message.redelivered or not channel.has_default_limit:
            return False
        count = limited_count_of(message.content[2])
        if count < WARY_FROM or self._is_left_to_broker(message.queue):
            return False
        self._is_wary = True
        return count >= KEPT_FROM

    def _is_left_to_broker(self, queue: str) -> bool:
        declared = self._route.topology.get(queue)
        limit = None if declared is None else declared.stated_limit
        if limit == UNLIMITED:
            # Where the queue was there before, and without it, that is but a wish.
            return queue not in self._declarations.without_limit
        return limit is not None

    def _keep(self, message: RabbitMQMessage, channel: ConsumeChannel) -> None:
        self._warn_once(message.queue)
        self._gate.close()
        publish = partial(publish_behind, message, self._route)
        give_up = partial(self._give_up, message)
        self._copies.submit(message, channel, publish, give_up, self._gate.reopen)

    def _give_up(self, message: RabbitMQMessage, error: Exception) -> None:
        log.error(
            "queue %r, vhost %r: a message came back %d times and cannot be published again, so "
            "that the broker may drop it when it comes back %d times: %s",
            message.queue,
            self._route.vhost,
            message.delivery_count,
            DEFAULT_LIMIT,
            error,
            extra={"queue": message.queue, "message_id": message.message_id},
        )
        self._handle([message])

    def _warn_once(self, queue: str) -> None:
        if queue in self._warned:
            return
        self._warned.add(queue)
        log.warning(
            "queue %r, vhost %r: messages came back %d times, and the broker drops what comes back "
            "%d times: they go on at the end of the queue, where they count as new. To have such "
            "messages dead-lettered, declare Queue(%r, type='quorum', delivery_limit=%d, "
            "dead_letter=True)",
            queue,
            self._route.vhost,
            KEPT_FROM,
            DEFAULT_LIMIT,
            queue,
            DEFAULT_LIMIT,
        )
