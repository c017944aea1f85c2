"""Messages on their way to where they wait for the next attempt."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from asyncworker.handling.redaction import brief
from asyncworker.options import Actions
from asyncworker.rabbitmq.errors import NotSerializable, PublishError, Unroutable
from asyncworker.rabbitmq.retrying.rewritten import next_attempt
from asyncworker.rabbitmq.retrying.waiting_queues import WaitingQueues

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.publishing.publisher import Publisher
    from asyncworker.rabbitmq.retrying.copies import Copies
    from asyncworker.rabbitmq.retrying.failure import Failure
    from asyncworker.rabbitmq.route import AMQPRoute

log = logging.getLogger(__name__)

PUBLISH_TIMEOUT: Final = 10.0
"""Seconds that the broker has to take a message that is to wait."""


class Retries:
    """Publish each message to a queue where it waits.

    One that the broker does not take in time goes back to its queue instead; one that cannot be
    written at all, as its headers are too large with what is to be added, has had its last attempt.

    end: does with a message what is done with it instead. on_waiting: is told of each that waits.
    """

    def __init__(
        self,
        route: AMQPRoute,
        copies: Copies,
        end: Callable[[RabbitMQMessage, Actions, ConsumeChannel, Failure | None], None],
        on_waiting: Callable[[RabbitMQMessage], None],
    ) -> None:
        self._route = route
        self._copies = copies
        self._end = end
        self._on_waiting = on_waiting
        self._waiting: WaitingQueues | None = None

    def submit(
        self,
        message: RabbitMQMessage,
        milliseconds: int,
        then: Actions,
        channel: ConsumeChannel,
        failure: Failure | None,
    ) -> None:
        """Have a message wait, and then confirm it on its channel.

        then: what is done with it when there can be no next attempt. failure: why it waits.
        """
        put_off = partial(self._put_off, message, milliseconds, failure)
        give_up = partial(self._give_up, message, then, channel, failure)
        self._copies.submit(message, channel, put_off, give_up)

    async def _put_off(
        self, message: RabbitMQMessage, milliseconds: int, failure: Failure | None
    ) -> None:
        """Publish a message to where it waits.

        Raises: BrokerError, PublishError, TimeoutError, ValueError
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + PUBLISH_TIMEOUT
        publisher = self._route.connection.publisher(self._route.vhost)
        waiting = self._waiting_queues(publisher)
        declared = self._route.topology.get(message.queue)
        is_quorum = declared is not None and declared.type == "quorum"
        while True:
            async with asyncio.timeout_at(deadline):
                queue = await waiting.ready(message.queue, milliseconds, is_quorum=is_quorum)
            outgoing = next_attempt(message, queue, failure)
            try:
                await publisher.publish(outgoing, max(0.001, deadline - clock()))
            except Unroutable:
                # The queue was deleted since.
                waiting.doubt()
            except PublishError:
                waiting.doubt()
                raise
            else:
                self._on_waiting(message)
                return

    def _waiting_queues(self, publisher: Publisher) -> WaitingQueues:
        """Return the queues where messages wait, declared on the connection that publishes.

        While the broker takes nothing from it, nothing is declared, and so no message is published
        in vain time and again.
        """
        # A connection that was closed in the middle of a run has another link from then on.
        if self._waiting is None or self._waiting.link is not publisher.link:
            self._waiting = WaitingQueues(publisher.link)
        return self._waiting

    def _give_up(
        self,
        message: RabbitMQMessage,
        then: Actions,
        channel: ConsumeChannel,
        failure: Failure | None,
        error: Exception,
    ) -> None:
        extra = {"queue": message.queue, "message_id": message.message_id}
        if isinstance(error, ValueError | NotSerializable):
            self._end(message, then, channel, failure)
            log.error(
                "handler %s: a message cannot be written for its next attempt: %s: %s",
                self._route.handler_name,
                then,
                brief(error),
                extra=extra,
            )
            return
        self._end(message, Actions.REQUEUE, channel, failure)
        log.error(
            "handler %s: a message cannot wait for its next attempt and goes back at once: %s",
            self._route.handler_name,
            str(error) or f"no answer within {PUBLISH_TIMEOUT:g} s",
            extra=extra,
        )
