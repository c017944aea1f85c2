"""Messages on their way to where they wait for the next attempt."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Self

from asyncworker.options import Actions
from asyncworker.rabbitmq.attempts import next_attempt
from asyncworker.rabbitmq.errors import BrokerError, PublishError, Unroutable

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from asyncworker.rabbitmq.channel import ConsumeChannel
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.route import AMQPRoute

log = logging.getLogger(__name__)

PUBLISH_TIMEOUT: Final = 10.0
"""Seconds that the broker has to take a message that is to wait."""


class Retries:
    """Publish each message to a queue where it waits, and confirm the original after that.

    So nothing is lost in between, but a message may come twice. One that the broker does not take
    in time goes back to its queue instead. As many are under way as prefetch lets be unsettled. As
    an `async with` it owns them: leaving it waits for them; leaving it by an exception, or
    cancelling that wait, cancels them, and the broker has the originals.

    requeue: puts a message back.
    """

    def __init__(
        self, route: AMQPRoute, requeue: Callable[[RabbitMQMessage, ConsumeChannel], None]
    ) -> None:
        self._route = route
        self._requeue = requeue
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        group, self._group = self._group, None
        if group is not None:
            await group.__aexit__(kind, raised, traceback)

    def submit(self, message: RabbitMQMessage, milliseconds: int, channel: ConsumeChannel) -> None:
        """Have a message wait, and then confirm it on its channel."""
        if self._group is None:
            # The run is over but for a handler that ignored its end: the broker has the message.
            return
        task = self._group.create_task(self._retry(message, milliseconds, channel))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def abandon(self) -> None:
        """Forget what is under way: its channel is lost, so the broker delivers it again."""
        self._route.connection.late_outcomes += len(self._tasks)
        for task in self._tasks:
            task.cancel()

    async def _retry(
        self, message: RabbitMQMessage, milliseconds: int, channel: ConsumeChannel
    ) -> None:
        try:
            await self._put_off(message, milliseconds)
        except (BrokerError, PublishError, TimeoutError, ValueError) as error:
            self._on_failure(message, error)
            self._requeue(message, channel)
        else:
            channel.settle(message.delivery_tag, Actions.ACK)

    async def _put_off(self, message: RabbitMQMessage, milliseconds: int) -> None:
        """Publish a message to where it waits.

        Raises: BrokerError, PublishError, TimeoutError, ValueError
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + PUBLISH_TIMEOUT
        publisher = self._route.connection.publisher(self._route.vhost)
        declared = self._route.topology.get(message.queue)
        is_quorum = declared is not None and declared.type == "quorum"
        while True:
            async with asyncio.timeout_at(deadline):
                queue = await publisher.waiting.ready(
                    message.queue, milliseconds, is_quorum=is_quorum
                )
            outgoing = next_attempt(message, queue)
            try:
                return await publisher.publish(outgoing, max(0.001, deadline - clock()))
            except Unroutable:
                # The queue was deleted since.
                publisher.waiting.doubt()
            except PublishError:
                publisher.waiting.doubt()
                raise

    def _on_failure(self, message: RabbitMQMessage, error: Exception) -> None:
        log.error(
            "handler %s: a message cannot wait for its next attempt and goes back at once: %s",
            self._route.handler_name,
            str(error) or f"no answer within {PUBLISH_TIMEOUT:g} s",
            extra={"queue": message.queue, "message_id": message.message_id},
        )
