"""Messages that are given up, on their way to the dead-letter queue that their route declares."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from time import time
from typing import TYPE_CHECKING, Final

from asyncworker.handling.redaction import brief
from asyncworker.options import Actions
from asyncworker.rabbitmq.amqp.tables import packed_number, packed_text, table_of
from asyncworker.rabbitmq.checks import MAX_COUNT
from asyncworker.rabbitmq.dead_queues import dead_queues_of
from asyncworker.rabbitmq.errors import NotSerializable
from asyncworker.rabbitmq.retrying.attempts import ATTEMPT, FIRST_FAILED_AT, PREFIX
from asyncworker.rabbitmq.retrying.rewritten import put_together, taken_apart_for_good

if TYPE_CHECKING:
    from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.retrying.copies import Copies
    from asyncworker.rabbitmq.retrying.failure import Failure
    from asyncworker.rabbitmq.route import AMQPRoute
    from asyncworker.rabbitmq.wire.outgoing import Outgoing

log = logging.getLogger(__name__)

ERROR: Final = PREFIX + b"error"
HANDLER: Final = PREFIX + b"handler"
QUEUE: Final = PREFIX + b"queue"
ATTEMPTS: Final = PREFIX + b"attempts"
FAILED_AT: Final = PREFIX + b"failed-at"
TRACEBACK: Final = PREFIX + b"traceback"
LONGEST_NAME: Final = 255
"""Bytes of a handler's name."""
PUBLISH_TIMEOUT: Final = 10.0
"""Seconds that the broker has to take a dead letter."""


class DeadLetters:
    """Publish what is given up with the reason in its headers; so the broker cannot move it.

    What cannot be published so is rejected, and goes the same way without them.
    """

    def __init__(self, route: AMQPRoute, copies: Copies) -> None:
        self._route = route
        self._copies = copies
        self._queues = dead_queues_of(route.topology.values())
        self._has_warned = False

    def take(self, message: RabbitMQMessage, failure: Failure, channel: ConsumeChannel) -> bool:
        """Have a message published, and then confirmed on its channel; False if it has no queue."""
        queue = self._queues.get(message.queue)
        if queue is None:
            return False
        publish = partial(self._publish, message, queue, failure)
        self._copies.submit(message, channel, publish, partial(self._give_up, message, channel))
        return True

    async def _publish(self, message: RabbitMQMessage, queue: str, failure: Failure) -> None:
        """Publish a dead letter; without the traceback, if that is too much for a frame.

        Raises: PublishError, ValueError
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + PUBLISH_TIMEOUT
        publisher = self._route.connection.publisher(self._route.vhost)
        tracebacks = [failure.traceback, None] if self._route.dead_letter_traceback else [None]
        for traceback in tracebacks:
            letter = dead_letter(message, queue, self._route.handler_name, failure, traceback)
            try:
                await publisher.publish(letter, max(0.001, deadline - clock()))
            except NotSerializable:
                if traceback is None:
                    raise
            else:
                return

    def _give_up(self, message: RabbitMQMessage, channel: ConsumeChannel, error: Exception) -> None:
        channel.settle(message.delivery_tag, Actions.REJECT)
        if not self._has_warned:
            self._has_warned = True
            log.warning(
                "%s: a dead letter cannot be published with the reason in its headers, and is "
                "rejected without it, as others may be that are logged no more: %s",
                self._route.subject(message.queue),
                brief(error),
                extra={"queue": message.queue, "message_id": message.message_id},
            )


def dead_letter(
    message: RabbitMQMessage,
    queue: str,
    handler_name: str,
    failure: Failure,
    traceback: bytes | None,
) -> Outgoing:
    """Return a message as it goes to a dead-letter queue.

    What it died of before is kept aside, as for each attempt: the broker could take it for a
    message that goes round and round.
    Raises: ValueError
    """
    parts, fields = taken_apart_for_good(message)
    told = {
        ERROR: failure.text,
        HANDLER: handler_name.encode()[:LONGEST_NAME].decode(errors="ignore").encode(),
        QUEUE: message.queue.encode(),
        FAILED_AT: failure.at,
    }
    fields.pop(TRACEBACK, None)
    if traceback is not None:
        told[TRACEBACK] = traceback
    fields.setdefault(FIRST_FAILED_AT, packed_text(failure.at))
    fields |= {name: packed_text(value) for name, value in told.items()}
    fields[ATTEMPT] = fields[ATTEMPTS] = packed_number(min(message.attempt, MAX_COUNT))
    first, death = _death(message)
    return put_together(message, parts, first | fields | death, queue)


def _death(message: RabbitMQMessage) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
    """Return what the broker adds to a message that is rejected, for those who look for it.

    That is what it adds to one that never died before, and what it adds to any.
    """
    reason = packed_text(b"rejected")
    queue = packed_text(message.queue.encode())
    exchange = packed_text(message.exchange.encode())
    keys = packed_text(message.routing_key.encode())
    # The types are the broker's own: it counts on.
    death = {
        b"count": b"l" + (1).to_bytes(8, "big"),
        b"reason": reason,
        b"queue": queue,
        b"time": b"T" + int(time()).to_bytes(8, "big"),
        b"exchange": exchange,
        b"routing-keys": _array(keys),
    }
    first = {
        b"x-first-death-reason": reason,
        b"x-first-death-queue": queue,
        b"x-first-death-exchange": exchange,
    }
    return first, {b"x-death": _array(b"F" + table_of(death))}


def _array(value: bytes) -> bytes:
    """Return an array of one value that stands behind its type, with its own (4.2.5.5)."""
    return b"A" + len(value).to_bytes(4, "big") + value
