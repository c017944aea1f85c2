"""What becomes of messages that were handled."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from asyncworker.failure import raised_by_users
from asyncworker.likeness import brief
from asyncworker.options import Actions, DefaultValues
from asyncworker.rabbitmq.retries import Retries
from asyncworker.rabbitmq.retry import Later, Retry, outcome_of
from asyncworker.rabbitmq.returns import Returns
from asyncworker.words import counted

if TYPE_CHECKING:
    from asyncworker.rabbitmq.channel import ConsumeChannel
    from asyncworker.rabbitmq.copies import Copies
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.route import AMQPRoute

log = logging.getLogger(__name__)

ACK: Final = Actions.ACK
SHOWN: Final = 10
"""The most message ids in one log line."""


class Outcomes:
    """Decide about each message: by its own outcome first, by the route's options else."""

    def __init__(self, route: AMQPRoute, copies: Copies) -> None:
        self._retries = Retries(route, copies, self.requeue)
        self._route = route
        self._returns = Returns()

    def begin(self) -> None:
        """Begin with the messages of a new channel."""
        self._returns = Returns()

    def settle(
        self, batch: list[RabbitMQMessage], raised: BaseException | None, channel: ConsumeChannel
    ) -> None:
        """Settle the messages of a batch on their channel, or have them tried again."""
        options = self._route.options
        if raised is None:
            self._settle_by(batch, options.on_success, channel)
        elif isinstance(raised, Exception):
            default = outcome_of(options.on_exception, raised, DefaultValues.ON_EXCEPTION)
            if isinstance(default, Retry):
                self._retry_or_give_up(batch, default, channel)
            else:
                self._settle_by(batch, default, channel)
        else:
            # Cancelled, or told to exit: nobody knows what was done, so nothing is confirmed.
            for message in batch:
                self.requeue(message, channel)

    def log_failure(self, batch: list[RabbitMQMessage], raised: BaseException) -> None:
        """Log what a handler raised, and the messages it was given."""
        log.error(
            "handler %s raised %s",
            self._route.handler_name,
            brief(raised),
            exc_info=raised_by_users(raised),
            extra={
                "queues": sorted({message.queue for message in batch}),
                "message_ids": [message.message_id for message in batch[:SHOWN]],
                "messages": len(batch),
            },
        )

    def requeue(self, message: RabbitMQMessage, channel: ConsumeChannel) -> None:
        """Put a message back when it is due; should the channel close first, it goes back too."""
        loop = asyncio.get_running_loop()
        due = self._returns.due(loop.time(), again=message.redelivered)
        loop.call_at(due, channel.settle, message.delivery_tag, Actions.REQUEUE)

    def _settle_by(
        self, batch: list[RabbitMQMessage], default: Actions, channel: ConsumeChannel
    ) -> None:
        for message in batch:
            outcome = message.outcome or default
            if outcome is ACK:
                channel.settle(message.delivery_tag, ACK)
            else:
                self._settle_otherwise(message, outcome, channel)

    def _settle_otherwise(
        self, message: RabbitMQMessage, outcome: Actions | Later, channel: ConsumeChannel
    ) -> None:
        if isinstance(outcome, Later):
            policy = self._route.options.on_exception
            delay = outcome.milliseconds(policy, message.attempt)
            self._retries.submit(message, delay, channel)
        elif outcome is Actions.REQUEUE:
            self.requeue(message, channel)
        else:
            channel.settle(message.delivery_tag, outcome)

    def _retry_or_give_up(
        self, batch: list[RabbitMQMessage], retry: Retry, channel: ConsumeChannel
    ) -> None:
        exhausted = []
        for message in batch:
            if message.outcome is not None:
                self._settle_otherwise(message, message.outcome, channel)
            elif message.attempt < retry.attempts:
                delay = retry.milliseconds(message.attempt)
                self._retries.submit(message, delay, channel)
            else:
                exhausted.append(message)
        if exhausted:
            self._log_end(exhausted, retry)
            self._settle_by(exhausted, retry.then, channel)

    def _log_end(self, exhausted: list[RabbitMQMessage], retry: Retry) -> None:
        log.error(
            "handler %s: gave up on %s after %s: %s",
            self._route.handler_name,
            counted(len(exhausted), "message"),
            counted(max(message.attempt for message in exhausted), "attempt"),
            retry.then,
            extra={
                "queues": sorted({message.queue for message in exhausted}),
                "message_ids": [message.message_id for message in exhausted[:SHOWN]],
            },
        )
