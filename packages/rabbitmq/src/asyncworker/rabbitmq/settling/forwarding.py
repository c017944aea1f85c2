"""What leaves with messages: published and confirmed before they are acknowledged."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Final

from asyncworker.errors import ConfigurationError
from asyncworker.options import Actions
from asyncworker.rabbitmq.errors import NotSerializable
from asyncworker.rabbitmq.publishing.bundle import Lot
from asyncworker.rabbitmq.settling.replies import is_question, reply
from asyncworker.rabbitmq.settling.returned import addressed, values_of
from asyncworker.rabbitmq.traced import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
    from asyncworker.rabbitmq.message import RabbitMQMessage
    from asyncworker.rabbitmq.retrying.copies import Copies
    from asyncworker.rabbitmq.route import AMQPRoute
    from asyncworker.rabbitmq.settling.outcomes import Outcomes
    from asyncworker.rabbitmq.wire.outgoing import Outgoing
    from asyncworker.routes import Handler

    Failed = list[tuple[RabbitMQMessage, Exception]]


ACK: Final = Actions.ACK
PUBLISH_TIMEOUT: Final = 30.0
"""Seconds that the broker has to confirm what leaves with messages, as `put()` has."""


@dataclass(slots=True)
class Leaving:
    """Hold messages of one channel that end in the same turn of the loop."""

    channel: ConsumeChannel
    messages: list[RabbitMQMessage] = field(default_factory=list)
    batches: int = 0


class Forwarding:
    """Publish what leaves with messages that were handled, and then acknowledge them.

    That is what they hold by `message.put()`, and what the handler of a route with a target, or
    with replies, has returned. It leaves with a message that is acknowledged because its handler
    succeeded, or that was accepted; with any other it is dropped. What ends in one turn of the loop
    is published together, in a task of its own: the workers go on meanwhile.
    """

    def __init__(self, route: AMQPRoute, copies: Copies, outcomes: Outcomes) -> None:
        self._route = route
        self._copies = copies
        self._outcomes = outcomes
        self._leaving: Leaving | None = None

    @property
    def handler(self) -> Handler:
        """Return the route's handler, or one that keeps what that returns, if it is to leave."""
        return self._handle if self._route.sends_returned else self._route.handler

    async def _handle(self, batch: list[RabbitMQMessage]) -> None:
        # Users may empty the list that they are given.
        messages = tuple(batch)
        for message in messages:
            message.held = ()
        returned = await self._route.handler(batch)
        try:
            values = values_of(returned, len(messages), self._route)
        except ConfigurationError as error:
            await self._tell(error, messages)
            raise
        for message, value in zip(messages, values, strict=True):
            message.returned = value

    def settle(
        self, batch: list[RabbitMQMessage], raised: Exception | None, channel: ConsumeChannel
    ) -> bool:
        """Settle a batch: at once what nothing leaves with, the rest when that is confirmed.

        Return whether the outcomes are counted, or will be.
        """
        default = self._route.options.on_success if raised is None else None
        leaving, rest = [], []
        for message in batch:
            if (message.outcome or default) is ACK and self._has_some(message, raised):
                leaving.append(message)
            else:
                message.held = ()
                rest.append(message)
        if not leaving:
            return self._outcomes.settle(batch, raised, channel)
        self._submit(leaving, channel)
        if (rest or raised is not None) and not self._outcomes.settle(rest, raised, channel, batch):
            self._outcomes.count_acknowledged(rest)
        return True

    def _has_some(self, message: RabbitMQMessage, raised: Exception | None) -> bool:
        if message.held:
            return True
        if raised is not None:
            return False
        if self._route.replies:
            return self._is_asked(message)
        return self._route.target is not None and message.returned is not None

    def _is_asked(self, message: RabbitMQMessage) -> bool:
        is_asked = is_question(message)
        if not is_asked and message.returned is not None:
            self._outcomes.log.warn_of_no_question(message.queue)
        return is_asked

    def _submit(self, messages: list[RabbitMQMessage], channel: ConsumeChannel) -> None:
        leaving = self._leaving
        # That of a lost channel has been cancelled, perhaps before it began.
        if leaving is None or leaving.channel is not channel:
            leaving = self._leaving = Leaving(channel)
            self._copies.own(self._leave(leaving), leaving.messages)
        leaving.messages += messages
        leaving.batches += 1

    async def _leave(self, leaving: Leaving) -> None:
        # What ends from now on is of the next turn.
        self._leaving = None
        channel = leaving.channel
        published, failed = await self._published(leaving.messages)
        self._outcomes.acknowledge(published, channel)
        if published:
            self._route.circuit.succeeded(leaving.batches)
        for error, messages in _by_kind(failed):
            await self._tell(error, messages)
            for message in messages:
                # It accepted itself while it did not know of this.
                message.outcome = message.returned = None
                message.held = ()
            self._outcomes.settle(messages, error, channel)

    async def _tell(self, error: Exception, messages: Sequence[RabbitMQMessage]) -> None:
        if self._route.tell is not None:
            await self._route.tell(error, messages)

    async def _published(
        self, messages: list[RabbitMQMessage]
    ) -> tuple[list[RabbitMQMessage], Failed]:
        """Publish what leaves with messages; return with which it did, and why not with others."""
        lot = Lot(self._route.connection.codec)
        outgoing: list[Outgoing] = []
        ends, going, failed = [], [], []
        for message in messages:
            try:
                outgoing += self._outgoing(message, lot)
            except Exception as error:  # noqa: BLE001 (whatever it is, it is about this one message)
                failed.append((message, error))
            else:
                going.append(message)
                ends.append(len(outgoing))
        connection = self._route.connection
        parts = None if connection.tracing is None else _parts(going, outgoing, ends)
        try:
            errors = await connection.publish_many(
                outgoing, self._route.vhost, PUBLISH_TIMEOUT, parts
            )
        except Exception as error:  # noqa: BLE001 (it must not end the route)
            return [], [*failed, *((message, error) for message in going)]
        if not any(errors):
            return going, failed
        published, start = [], 0
        for message, end in zip(going, ends, strict=True):
            reason = next(filter(None, errors[start:end]), None)
            if reason is None:
                published.append(message)
            else:
                failed.append((message, reason))
            start = end
        return published, failed

    def _outgoing(self, message: RabbitMQMessage, lot: Lot) -> Sequence[Outgoing]:
        """Return what leaves with a message; it can hold nothing more from now on.

        Raises: NotSerializable, ConfigurationError
        """
        held, message.held = message.held or (), None
        value, target = message.returned, self._route.target
        is_answer = self._route.replies and is_question(message)
        if not is_answer and (target is None or value is None):
            return held
        if type(value) is type(message):
            raise NotSerializable("a RabbitMQMessage was returned: return its body, or a Message")
        if target is None:
            return (*held, reply(message, value, self._route.connection.codec))
        return (*held, addressed(value, target, lot))


def _parts(
    messages: Sequence[RabbitMQMessage], outgoing: Sequence[Outgoing], ends: Sequence[int]
) -> list[Part]:
    """Return what leaves with messages that were handled together: it goes on where that did."""
    parts, start = [], 0
    pairs = zip(messages, ends, strict=True)
    for context, group in groupby(pairs, lambda pair: pair[0].context):
        *_, (_, end) = group
        parts.append(Part(outgoing[start:end], context))
        start = end
    return parts


def _by_kind(failed: Failed) -> Iterable[tuple[Exception, list[RabbitMQMessage]]]:
    """Return messages by the class of what kept them, with the first of these errors."""
    kinds: dict[type, tuple[Exception, list[RabbitMQMessage]]] = {}
    for message, error in failed:
        kinds.setdefault(type(error), (error, []))[1].append(message)
    return kinds.values()
