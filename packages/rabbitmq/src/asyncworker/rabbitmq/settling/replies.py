"""What is answered to messages that say where: a value, or why there is none."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from asyncworker.errors import ConfigurationError
from asyncworker.handling.redaction import brief
from asyncworker.options import Actions
from asyncworker.rabbitmq.amqp.properties import (
    CORRELATION_ID,
    REPLY_TO,
    join_properties,
    split_properties,
)
from asyncworker.rabbitmq.asking.failure import failure_answer
from asyncworker.rabbitmq.publishing.encoding import encoded_message
from asyncworker.rabbitmq.publishing.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncworker.codecs import Codec
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.retrying.copies import Copies
    from asyncworker.rabbitmq.retrying.failure import Failure
    from asyncworker.rabbitmq.route import AMQPRoute
    from asyncworker.rabbitmq.wire.outgoing import Outgoing

log = logging.getLogger(__name__)

HAS_REPLY_TO: Final = REPLY_TO >> 8
"""In the first octet of the properties' flags."""
DEFAULT_EXCHANGE: Final = b"\x00"
"""Its name, as a short string."""
PUBLISH_TIMEOUT: Final = 10.0
"""Seconds that the broker has to take the answer to what failed."""
ANY: Final = "reply"
"""Stands where the address of an answer does not stand yet."""
NO_ERROR: Final = {
    Actions.REJECT: "Rejected: the handler rejected the message",
    Actions.ACK: "Unanswered: the handler ended without an answer",
}
"""What is told of messages that are done with, and of which no exception is known."""


class Replies:
    """Tell those who wait for an answer that there will be none, as the message failed for good.

    They are told before the message is settled, but where they cannot be, it is settled all the
    same: they have a timeout.
    """

    def __init__(self, route: AMQPRoute, copies: Copies) -> None:
        self._route = route
        self._copies = copies

    def awaits(self, message: RabbitMQMessage) -> bool:
        """Tell whether an answer to a message is awaited."""
        return self._route.replies and is_question(message)

    def fail(
        self,
        message: RabbitMQMessage,
        action: Actions,
        failure: Failure | None,
        settle: Callable[[], None],
    ) -> None:
        """Have it told why there is no answer, and then the message settled."""
        text = NO_ERROR[action] if failure is None else failure.text.decode()
        self._copies.own(self._fail(message, text, settle), (message,))

    async def _fail(self, message: RabbitMQMessage, text: str, settle: Callable[[], None]) -> None:
        connection = self._route.connection
        problem: Exception | None = None
        try:
            answer = reply(message, failure_answer(text), connection.codec)
            await connection.publisher(self._route.vhost).publish(answer, PUBLISH_TIMEOUT)
        except Exception as error:  # noqa: BLE001 (whatever it is, the message is to be settled)
            problem = error
        settle()
        if problem is not None:
            log.warning(
                "%s: a message failed, and whoever waits for its answer is not told: %s",
                self._route.subject(message.queue),
                brief(problem),
                extra={"queue": message.queue, "message_id": message.message_id},
            )


def is_question(message: RabbitMQMessage) -> bool:
    """Tell whether a message says where its answer goes."""
    properties = message.content[2]
    return bool(properties) and bool(properties[0] & HAS_REPLY_TO)


def reply(message: RabbitMQMessage, value: Any, codec: Codec) -> Outgoing:
    """Return the answer to a message that says where it goes, as it leaves.

    value: a Message without an address, or the body. Nobody may be there any more, which is no
    error.
    Raises: NotSerializable, ConfigurationError
    """
    answer = value if isinstance(value, Message) else Message(value)
    if answer.routing_key or answer.exchange:
        raise ConfigurationError(
            "an answer goes to who asked: leave routing_key and exchange out of its Message, "
            f"got {answer.routing_key or answer.exchange!r}"
        )
    if answer.correlation_id is not None:
        raise ConfigurationError(
            "an answer has the correlation_id of what it answers: leave it out of its Message"
        )
    asked = split_properties(message.content[2])
    # As they came: others may put any bytes there, of which only the same are of any use to them.
    to = asked[REPLY_TO]
    outgoing = encoded_message(replace(answer, routing_key=ANY, mandatory=False), codec)
    outgoing.routing_key = to[1:].decode(errors="replace")
    outgoing.address = DEFAULT_EXCHANGE + to
    if CORRELATION_ID in asked:
        own = split_properties(outgoing.header)
        outgoing.header = join_properties(own | {CORRELATION_ID: asked[CORRELATION_ID]})
    return outgoing
