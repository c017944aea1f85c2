"""What becomes of messages that were handled."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from asyncworker.failure import raised_by_users
from asyncworker.failures import Failures
from asyncworker.likeness import brief
from asyncworker.options import Actions, DefaultValues
from asyncworker.rabbitmq.remarks import DROPPED
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
        self._retries = Retries(route, copies, self._settle_otherwise)
        self._route = route
        self._failures = Failures(log, f"handler {route.handler_name}")
        self._returns = Returns()
        self._is_told_of_reject = False
        self._told_of_drop: set[str] = set()

    def begin(self) -> None:
        """Begin with the messages of a new channel."""
        self._returns = Returns()

    def settle(
        self, batch: list[RabbitMQMessage], raised: Exception | None, channel: ConsumeChannel
    ) -> None:
        """Settle the messages of a batch on their channel, or have them tried again.

        Whatever goes wrong with one, it goes back, and the others are settled as they should be.
        """
        default: Actions | Retry = self._route.options.on_success
        error: Exception | None = None
        if raised is not None:
            default, error = self._default(raised)
        for message in batch:
            try:
                outcome = message.outcome or default
                if outcome is ACK:
                    channel.settle(message.delivery_tag, ACK)
                else:
                    self._settle_otherwise(message, outcome, channel)
            except Exception as mistake:  # noqa: BLE001 (it must not keep the others unsettled)
                self.requeue(message, channel)
                error = mistake
        # Only now: what users have added to the logging may raise too.
        if error is not None:
            self._log_mistake(batch, error)
        if raised is not None:
            self.log_failure(batch, raised)
            if isinstance(default, Retry):
                self._log_end(batch, default)

    def give_back(self, batch: list[RabbitMQMessage], channel: ConsumeChannel) -> None:
        """Put messages back of which nobody knows what was done: nothing is confirmed."""
        for message in batch:
            self.requeue(message, channel)

    def log_failure(self, batch: list[RabbitMQMessage], raised: BaseException) -> None:
        """Log what a handler raised, and the messages it was given."""
        self._failures.report(
            raised,
            {
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

    def _default(self, raised: Exception) -> tuple[Actions | Retry, Exception | None]:
        """Return what is done with messages that say nothing themselves, or why that is unknown."""
        on_exception = self._route.options.on_exception
        try:
            return outcome_of(on_exception, raised, DefaultValues.ON_EXCEPTION), None
        except Exception as error:  # noqa: BLE001 (users' classes say themselves what is one of them)
            return Actions.REQUEUE, error

    def _settle_otherwise(
        self, message: RabbitMQMessage, outcome: Actions | Later | Retry, channel: ConsumeChannel
    ) -> None:
        if isinstance(outcome, Retry):
            if message.attempt < outcome.attempts:
                delay = outcome.milliseconds(message.attempt)
                self._retries.submit(message, delay, outcome.then, channel)
            else:
                self._settle_otherwise(message, outcome.then, channel)
        elif isinstance(outcome, Later):
            retry = outcome.policy(self._route.options.on_exception)
            delay = outcome.milliseconds(retry, message.attempt)
            self._retries.submit(message, delay, retry.then, channel)
        elif outcome is Actions.REQUEUE:
            if message.redelivered and message.outcome is outcome:
                self._tell_of_reject()
            self.requeue(message, channel)
        else:
            action = Actions(outcome)
            if action is Actions.REJECT and self._route.drops(message.queue):
                self._tell_of_drop(message.queue)
            channel.settle(message.delivery_tag, action)

    def _log_mistake(self, batch: list[RabbitMQMessage], error: Exception) -> None:
        log.error(
            "handler %s: of %s not all could be settled as they should, and go back: %s",
            self._route.handler_name,
            counted(len(batch), "message"),
            brief(error),
            exc_info=raised_by_users(error),
            extra={"queues": sorted({message.queue for message in batch})},
        )

    def _tell_of_reject(self) -> None:
        """Say, once for a route, that a message may come back for ever."""
        if not self._is_told_of_reject:
            self._is_told_of_reject = True
            log.warning(
                "handler %s: reject() puts a message back, and it came again: "
                "reject(requeue=False) drops or dead-letters it, retry() has it wait",
                self._route.handler_name,
            )

    def _tell_of_drop(self, queue: str) -> None:
        """Say, once for a queue, what becomes of messages that are rejected."""
        if queue not in self._told_of_drop:
            self._told_of_drop.add(queue)
            log.warning(
                "queue %r, vhost %r: a rejected message is %s", queue, self._route.vhost, DROPPED
            )

    def _log_end(self, batch: list[RabbitMQMessage], retry: Retry) -> None:
        exhausted = [
            message
            for message in batch
            if message.outcome is None and message.attempt >= retry.attempts
        ]
        if not exhausted:
            return
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
