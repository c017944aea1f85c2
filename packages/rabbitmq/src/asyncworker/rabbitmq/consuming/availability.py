"""What keeps a queue from being consumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiormq.exceptions import (
    ChannelAccessRefused,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
)

from asyncworker.rabbitmq.amqp.methods import QueueDeclare, call, consume
from asyncworker.rabbitmq.connecting.probe import Probe
from asyncworker.rabbitmq.declaring.declarations import Declarations
from asyncworker.rabbitmq.errors import (
    BrokerError,
    TopologyMismatch,
    broker_errors,
    is_refused,
)
from asyncworker.rabbitmq.streams.offset import ARGUMENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiormq.abc import DeliveredMessage

    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.topology import Queue

CONFIGURE: Final = "configure access"
"""What RabbitMQ 4.3 says to a user without any right to a queue who asks whether it is there."""


class Availability:
    """Ask whether queues can be consumed, on a channel of its own; declare those that are ours.

    The broker closes a channel that asks in vain, and with it all that is consumed on it.
    topology: the queues to declare, by name.
    """

    def __init__(self, link: Link, topology: Mapping[str, Queue]) -> None:
        self._link = link
        self._topology = topology
        self.declarations = Declarations(link)
        self._probe = Probe(link)
        self._suspects: set[str] = set()
        self._asked_as_streams: dict[str, bool | None] = {}
        """Whether a queue is a stream; None where that is to be asked."""

    async def is_missing(self, queue: str) -> bool:
        """Tell whether a queue does not exist now.

        Raises: BrokerError, when the connection is lost meanwhile.
        """
        try:
            await self._ask_once(queue)
        except BrokerError as error:
            if is_refused(error):
                return isinstance(error.__cause__, ChannelNotFoundEntity)
            raise
        return False

    async def problem_of(self, queue: str) -> str | None:
        """Return why a queue cannot be consumed now, or None.

        Raises: BrokerError, when the connection is lost meanwhile.
        """
        try:
            if queue in self._topology:
                await self.declarations.declare(self._topology[queue])
            await self._ask(queue)
            if await self._is_stream(queue):
                return "it is a stream: say offset= on the route, where to begin"
        except TopologyMismatch as error:
            return str(error)
        except BrokerError as error:
            if is_refused(error):
                return str(error)
            raise
        return None

    async def consumers(self, queue: str) -> int:
        """Return how many consume a queue now.

        Raises: BrokerError
        """
        async with self._probe.channel() as channel:
            with broker_errors():
                found = await call(channel.underlay, QueueDeclare(queue=queue, passive=True))
        return found.consumer_count or 0

    def may_be_stream(self, queue: str) -> bool:
        """Note that a queue may be a stream, and tell whether that has yet to be asked.

        To settle its messages like those of queues ends the connection, or loses them without a
        word (3.10.8, 4.3.6).
        """
        if queue in self._topology:
            return False
        return self._asked_as_streams.setdefault(queue, None) is None

    def learn(self, error: BaseException, queues: Iterable[str]) -> None:
        """Ask better for queues, should one of them be there and yet be refused to consumers."""
        if isinstance(error.__cause__, ChannelAccessRefused):
            self._suspects.update(queues)

    def clear(self, queue: str) -> None:
        """Ask for a queue as before, as it can be consumed."""
        self._suspects.discard(queue)

    async def _ask(self, queue: str) -> None:
        try:
            await self._ask_once(queue)
        except BrokerError as error:
            if isinstance(error.__cause__, ChannelNotFoundEntity):
                reason = f"the queue does not exist: create it, or pass Queue({queue!r})"
                raise BrokerError(f"{reason} to have it declared") from error.__cause__
            if isinstance(error.__cause__, ChannelAccessRefused) and CONFIGURE in str(error):
                raise BrokerError(f"{error}: it needs read access") from error.__cause__
            raise

    async def _ask_once(self, queue: str) -> None:
        async with self._probe.channel() as channel:
            with broker_errors():
                await call(channel.underlay, QueueDeclare(queue=queue, passive=True))
        if queue in self._suspects:
            await self._try_to_consume(queue)

    async def _is_stream(self, queue: str) -> bool:
        """Tell a stream from a queue, where it is suspected to be one."""
        if queue not in self._asked_as_streams:
            return False
        if self._asked_as_streams[queue] is None:
            self._asked_as_streams[queue] = await self._has_offsets(queue)
        return bool(self._asked_as_streams[queue])

    async def _has_offsets(self, queue: str) -> bool:
        """Tell whether a queue can be read from an offset on, which no other one can."""
        async with self._link.channel() as channel:
            try:
                with broker_errors():
                    await channel.underlay.basic_qos(prefetch_count=1)
                    await consume(channel.underlay, queue, _ignore, arguments={ARGUMENT: "next"})
            except BrokerError as error:
                if isinstance(error.__cause__, ChannelPreconditionFailed):
                    return False
                raise
        return True

    async def _try_to_consume(self, queue: str) -> None:
        """Show whether consuming is allowed, which nothing else does.

        A message that comes meanwhile is given back: one that goes back as the channel closes would
        count as come back.
        """
        async with self._link.channel() as channel:
            delivered: list[DeliveredMessage] = []

            async def take(message: DeliveredMessage) -> None:
                delivered.append(message)

            with broker_errors():
                await channel.underlay.basic_qos(prefetch_count=1)
                await consume(channel.underlay, queue, take)
                await channel.underlay.basic_cancel(queue)
                for message in delivered:
                    if ARGUMENT in (message.header.properties.headers or {}):
                        # A stream has nothing given back to it, and would end the connection.
                        continue
                    await channel.underlay.basic_nack(message.delivery_tag or 0, wait=False)


async def _ignore(_message: DeliveredMessage) -> None:
    """Leave a message of a stream where it is."""
