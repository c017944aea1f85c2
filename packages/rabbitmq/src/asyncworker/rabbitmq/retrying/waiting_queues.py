"""Queues in which messages wait for their next attempt."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from time import time
from typing import TYPE_CHECKING, Any, Final

from asyncworker.rabbitmq.amqp.methods import QueueDeclare, call
from asyncworker.rabbitmq.connecting.probe import Probe
from asyncworker.rabbitmq.errors import broker_errors
from asyncworker.rabbitmq.publishing.single_flight import SingleFlight
from asyncworker.rabbitmq.topology import MAX_QUEUE

if TYPE_CHECKING:
    from asyncworker.rabbitmq.connecting.link import Link

PREFIX: Final = "asyncworker.retry."
RENEW_AFTER: Final = 60.0
"""Seconds after which a queue that is used on is declared again, lest it expires."""
KEPT: Final = 3600.0
"""Seconds that an unused queue stays when all that waited in it has left.

The broker takes publishing for no use: what is published long after the last declaration could
vanish with its queue. So this is far longer than any publishing takes. For a quorum queue it takes
a further declaration for no use either: such a queue is used for an hour only, and stays for two.
"""
LIKE_QUORUM: Final[dict[str, Any]] = {
    "x-queue-type": "quorum",
    "x-overflow": "reject-publish",
    "x-dead-letter-strategy": "at-least-once",
}
"""What waits for a replicated queue is as safe as in it."""


class WaitingQueues:
    """Declare a queue for each delay when it is needed; it hands on to the original queue.

    The delayed retries that quorum queues have since RabbitMQ 4.3 (`x-delayed-retry-type`) do not
    take their place: their delay is the queue's, not that of a message, an exception or an attempt;
    it grows linearly; lost connections are delayed and counted as attempts are; and a queue that
    exists cannot be given them.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self._probe = Probe(link)
        self._declaring = SingleFlight()
        self._declared: dict[str, float] = {}
        """When each was declared last, on the loop's clock."""

    async def ready(self, queue: str, milliseconds: int, *, is_quorum: bool) -> str:
        """Return the name of the queue from which messages come to a queue after that time.

        Raises: BrokerError
        """
        name = waiting_name(queue, milliseconds, is_quorum=is_quorum)
        arguments = _arguments(queue, milliseconds, is_quorum=is_quorum)
        await self._declaring.until(
            lambda: self._is_fresh(name), lambda: self._declare(name, arguments)
        )
        return name

    async def _declare(self, name: str, arguments: dict[str, Any]) -> None:
        now = asyncio.get_running_loop().time()
        declare = QueueDeclare(queue=name, durable=True, arguments=arguments)
        async with self._probe.channel() as channel:
            with broker_errors():
                await call(channel.underlay, declare)
        self._declared = {one: at for one, at in self._declared.items() if now - at < RENEW_AFTER}
        self._declared[name] = now

    def doubt(self) -> None:
        """Have all declared again before they are used again."""
        self._declared.clear()

    def _is_fresh(self, name: str) -> bool:
        now = asyncio.get_running_loop().time()
        return name in self._declared and now - self._declared[name] < RENEW_AFTER


def waiting_name(queue: str, milliseconds: int, *, is_quorum: bool) -> str:
    """Return `asyncworker.retry.QUEUE.MILLISECONDS`; of a long name of a queue its hash.

    Behind that of a quorum queue stands the hour, counted from 1970.
    """
    end = f".{milliseconds}.quorum.{time() // KEPT:.0f}" if is_quorum else f".{milliseconds}"
    name = f"{PREFIX}{queue}{end}"
    if len(name.encode()) > MAX_QUEUE:
        return f"{PREFIX}{sha256(queue.encode()).hexdigest()}{end}"
    return name


def _arguments(queue: str, milliseconds: int, *, is_quorum: bool) -> dict[str, Any]:
    return {
        "x-message-ttl": milliseconds,
        "x-expires": milliseconds + round(KEPT * 1000) * (2 if is_quorum else 1),
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        **(LIKE_QUORUM if is_quorum else {}),
    }
