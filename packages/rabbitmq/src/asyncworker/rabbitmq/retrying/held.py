"""Messages that wait for their next attempt where they are, as what follows must not overtake."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from asyncworker.handling.redaction import brief
from asyncworker.rabbitmq.retrying.rewritten import attempt_in_place

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.options import Actions
    from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.retrying.failure import Failure
    from asyncworker.rabbitmq.route import AMQPRoute

log = logging.getLogger(__name__)


class Held:
    """Have messages handled once more by the process that holds them, unsettled until then.

    renewed: returns a message as it was delivered, with these properties; None: its own.
    hold: takes a message, and the seconds after which it is handled before all of its key.
    end: does with a message what is done when there can be no next attempt. on_waiting: is told of
    each that waits.
    """

    def __init__(
        self,
        route: AMQPRoute,
        renewed: Callable[[RabbitMQMessage, bytes | None], RabbitMQMessage],
        hold: Callable[[RabbitMQMessage, float], None],
        end: Callable[[RabbitMQMessage, Actions, ConsumeChannel, Failure | None], None],
        on_waiting: Callable[[RabbitMQMessage], None],
    ) -> None:
        self._route = route
        self._renewed = renewed
        self._hold = hold
        self._end = end
        self._on_waiting = on_waiting

    def submit(
        self,
        message: RabbitMQMessage,
        milliseconds: int,
        then: Actions,
        channel: ConsumeChannel,
        failure: Failure | None,
    ) -> None:
        """Have a message wait for its next attempt.

        then: what is done with it when there can be none. failure: why it waits.
        """
        try:
            properties = attempt_in_place(message, failure, at_once=False)
        except ValueError as error:
            self._end(message, then, channel, failure)
            log.error(  # noqa: TRY400 (no traceback leads to a handler)
                "%s: a message cannot be written for its next attempt: %s: %s",
                self._route.subject(message.queue),
                then,
                brief(error),
            )
            return
        self._on_waiting(message)
        self._hold(self._renewed(message, properties), milliseconds / 1000)

    def put_back(self, message: RabbitMQMessage, seconds: float) -> None:
        """Have a message handled once more that would go back to its queue."""
        self._hold(self._renewed(message, None), seconds)
