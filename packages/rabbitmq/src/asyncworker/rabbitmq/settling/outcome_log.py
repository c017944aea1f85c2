"""What logs tell of the outcomes of one route."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from asyncworker.handling.redaction import brief
from asyncworker.handling.repeated_failures import Failures
from asyncworker.handling.user_errors import raised_by_users
from asyncworker.options import Actions
from asyncworker.plural import counted
from asyncworker.rabbitmq.remarks import DROPPED
from asyncworker.rabbitmq.settling.again import Half

if TYPE_CHECKING:
    from asyncworker.errors import Invalid
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.retry import Retry
    from asyncworker.rabbitmq.route import AMQPRoute

log = logging.getLogger(__name__)

DONE: Final = {
    Actions.ACK: "acknowledged",
    Actions.REJECT: "rejected",
    Actions.REQUEUE: "put back",
}
SHOWN: Final = 10
"""The most message ids in one log line."""


class OutcomeLog:
    """Tell of what failed and what was given up; of what may come again and again, once."""

    def __init__(self, route: AMQPRoute) -> None:
        self._route = route
        self._failures = Failures(log, f"handler {route.handler_name}")
        self._has_warned_of_reject = False
        self._has_warned_of_poison = False
        self._warned_of_drop: set[str] = set()
        self._warned_of_no_question: set[str] = set()

    def failure(
        self, batch: list[RabbitMQMessage], raised: BaseException, what_next: str = ""
    ) -> None:
        """Log what a handler raised, and the messages it was given."""
        self._failures.report(
            raised,
            {
                "queues": sorted({message.queue for message in batch}),
                "message_ids": [message.message_id for message in batch[:SHOWN]],
                "messages": len(batch),
            },
            what_next,
        )

    def split(
        self,
        batch: list[RabbitMQMessage],
        again: list[RabbitMQMessage],
        raised: BaseException,
    ) -> None:
        """Log that messages of a batch are handled again in halves; of these halves, nothing."""
        if not isinstance(batch, Half):
            what_next = f"; handled again in halves: {counted(len(again), 'message')}"
            self.failure(batch, raised, what_next if again else "")

    def mistake(self, batch: list[RabbitMQMessage], error: Exception) -> None:
        """Log what kept messages from being settled as they should be."""
        log.error(
            "handler %s: of %s not all could be settled as they should, and go back: %s",
            self._route.handler_name,
            counted(len(batch), "message"),
            brief(error),
            exc_info=raised_by_users(error),
            extra={"queues": sorted({message.queue for message in batch})},
        )

    def poison(self, message: RabbitMQMessage, error: Invalid, outcome: Actions | Retry) -> None:
        """Log what is done with a message that no handler is given, and why."""
        if outcome is Actions.REQUEUE and message.redelivered:
            self._warn_of_poison()
            return
        log.error(
            "%s: %s a message whose %s",
            self._route.subject(message.queue),
            DONE[outcome] if isinstance(outcome, Actions) else "will try again",
            error,
            extra={"queue": message.queue, "message_id": message.message_id},
        )

    def end(self, batch: list[RabbitMQMessage], retry: Retry) -> None:
        """Log which messages of those that failed have had their last attempt."""
        exhausted = [message for message in batch if message.attempt >= retry.attempts]
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

    def warn_of_reject(self) -> None:
        """Say, once for a route, that a message may come back for ever."""
        if not self._has_warned_of_reject:
            self._has_warned_of_reject = True
            log.warning(
                "handler %s: reject() puts a message back, and it came again: "
                "reject(requeue=False) drops or dead-letters it, retry() has it wait",
                self._route.handler_name,
            )

    def warn_of_drop(self, queue: str) -> None:
        """Say, once for a queue, what becomes of messages that are rejected."""
        if queue not in self._warned_of_drop:
            self._warned_of_drop.add(queue)
            log.warning(
                "queue %r, vhost %r: a rejected message is %s", queue, self._route.vhost, DROPPED
            )

    def warn_of_no_question(self, queue: str) -> None:
        """Say, once for a queue, that what was returned for a message goes nowhere."""
        if queue not in self._warned_of_no_question:
            self._warned_of_no_question.add(queue)
            log.warning(
                "%s: a message has no reply_to, so that what was returned for it is sent nowhere: "
                "ask() says where answers go, put() only with reply_to=",
                self._route.subject(queue),
            )

    def _warn_of_poison(self) -> None:
        """Say, once for a route, that such a message may come back for ever."""
        if not self._has_warned_of_poison:
            self._has_warned_of_poison = True
            log.warning(
                "handler %s: Events.ON_INVALID puts back a message that came again: it is logged "
                "no more; Actions.REJECT drops or dead-letters it, a Retry has it wait",
                self._route.handler_name,
            )
