"""Messages that are unsettled for longer than the broker waits."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.errors import BrokerError

if TYPE_CHECKING:
    from asyncworker.rabbitmq.route import AMQPRoute

log = logging.getLogger(__name__)

ARGUMENT: Final = "x-consumer-timeout"
_ENDED_CHANNEL: Final = re.compile(r"timed out\. Timeout value used: (\d+) ms")
"""In the words by which RabbitMQ ends a channel, until 4.2."""


class ConsumerTakenBack(BrokerError):
    """Report a consumer that the broker took from a channel, which since 4.3 it leaves open."""

    def __init__(self, queue: str) -> None:
        super().__init__(
            f"the broker took the consumer of queue {queue!r} back, as it does when messages are "
            "unsettled for too long"
        )
        self.queue = queue


class ConsumerTimeout:
    """Warn, once for a route, of how long its handlers may take."""

    def __init__(self, route: AMQPRoute) -> None:
        self._route = route
        self._has_warned = False

    def explain(self, error: BaseException) -> None:
        """Say what the limit is and how to raise it, if that is why a channel has ended."""
        ended = _ENDED_CHANNEL.search(str(error))
        if self._has_warned or not (ended or isinstance(error, ConsumerTakenBack)):
            return
        self._has_warned = True
        log.warning(
            "handler %s: the broker waits %s for a message to be settled, then it delivers it "
            "again: set consumer_timeout in rabbitmq.conf, %s of the quorum queue by a policy or "
            "an argument, or timeout= of a Consumer, to more than the handler takes",
            self._route.handler_name,
            f"{ended[1]} ms" if ended else self._said(error),
            ARGUMENT,
        )

    def _said(self, error: BaseException) -> str:
        declared = self._route.topology.get(getattr(error, "queue", ""))
        of_queue = {} if declared is None else dict(declared.arguments)
        limit = (of_queue | self._route.consumer.said["arguments"]).get(ARGUMENT)
        return "30 minutes, or as it is set," if limit is None else f"{limit} ms"
