"""Publishing to one vhost: confirmed, within a deadline."""

from __future__ import annotations

import asyncio
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from asyncworker.backoff import Backoff
from asyncworker.rabbitmq.amqp.methods import ExchangeDeclare, call
from asyncworker.rabbitmq.connecting.probe import Probe
from asyncworker.rabbitmq.declaring.declarations import Declarations
from asyncworker.rabbitmq.errors import (
    BrokerError,
    PublishError,
    TopologyMismatch,
    broker_errors,
    is_refused,
)
from asyncworker.rabbitmq.publishing.delays import Delays
from asyncworker.rabbitmq.publishing.refusals import refusals, too_late
from asyncworker.rabbitmq.publishing.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.topology import Queue
    from asyncworker.rabbitmq.wire.message_channel import MessageChannel
    from asyncworker.rabbitmq.wire.outgoing import Outgoing

MAX_KNOWN: Final = 1000
"""The most exchanges that are remembered to exist."""
CHANNELS_ALONE: Final = 32
"""Channels on which messages are published that may be what the broker refused."""

_delay_of: Final = attrgetter("delay")
NOT_SENT: Final = BrokerError("nothing was sent yet")
"""The answer to a message that is still to be sent."""

Expected: TypeAlias = "tuple[Queue, Callable[[], bool]]"
"""A queue that is declared before anything is published, and whether it still is to be."""


class Publisher:
    """Publish over a link of its own, so that a blocked publisher never blocks a consumer.

    expected: the queues that routes declare, those that come to it later too. They are declared
    before anything is published by a connection: a startup hook may publish to what is consumed
    only after it, and a schedule to what a broker has not that came back with nothing.
    open: opens a channel to publish on; one with confirms when left out.
    """

    def __init__(
        self,
        link: Link,
        expected: Sequence[Expected] = (),
        open: Callable[[], Awaitable[MessageChannel]] | None = None,
    ) -> None:
        self.link = link
        self._open_channel = open or partial(link.open_channel, confirms=True)
        self._probe = Probe(link)
        self._alone = Probe(link, self._open_channel, width=CHANNELS_ALONE)
        self._declarations = Declarations(link)
        self._expected = expected
        self._declared = 0
        self._declared_by: object = None
        """The connection of the library by which they were."""
        self._channel: MessageChannel | None = None
        self._known: set[str] = set()
        self._preparing = SingleFlight()
        self._delays = Delays(self)

    async def publish(self, message: Outgoing, timeout: float) -> None:
        """Publish and wait for the confirm; when the connection is lost meanwhile, publish again.

        timeout: seconds.
        Raises: Unroutable, PublishRejected, PublishTimeout, NotSerializable
        """
        if message.delay:
            return await self._delays.publish(message, timeout)
        deadline = asyncio.get_running_loop().time() + timeout
        failed = None
        if (channel := self._ready_for(message)) is not None:
            try:
                await channel.publish(message, deadline)
            except BrokerError as error:
                failed = error
            except TimeoutError:
                raise too_late(message, timeout, None) from None
            else:
                return None
        return await self._insist(message, timeout, deadline, failed)

    async def publish_many(
        self, messages: Sequence[Outgoing], timeout: float
    ) -> list[PublishError | None]:
        """Publish all at once, in their order, and wait for the confirms of all.

        Return for each what `publish()` would raise, or None.
        timeout: seconds for all of it.
        """
        if any(map(_delay_of, messages)):
            return await self._delays.publish_many(messages, timeout)
        deadline = asyncio.get_running_loop().time() + timeout
        answers = await self._publish_together(messages, deadline)
        if not any(answers):
            return [None] * len(messages)
        async with asyncio.TaskGroup() as group:
            outcomes = [
                group.create_task(self._outcome(message, timeout, deadline, answer))
                if isinstance(answer, BrokerError)
                else _told(message, timeout, answer)
                for message, answer in zip(messages, answers, strict=True)
            ]
        return [one.result() if isinstance(one, asyncio.Task) else one for one in outcomes]

    async def ready(self, timeout: float) -> None:
        """Have a channel, so that what is published next goes out at once.

        timeout: seconds.
        Raises: BrokerError, TimeoutError
        """
        async with asyncio.timeout(timeout):
            await self._preparing.until(lambda: self._is_open, self._open)

    async def close(self) -> None:
        """Close the link, and with it the channel."""
        await self.link.close()

    @property
    def _is_open(self) -> bool:
        return self._channel is not None and not self._channel.is_lost

    async def _insist(
        self, message: Outgoing, timeout: float, deadline: float, failed: BrokerError | None
    ) -> None:
        """Publish until the deadline. failed: how an attempt before ended, if there was one.

        Raises: Unroutable, PublishRejected, PublishTimeout, NotSerializable
        """
        is_sent, is_suspect = failed is not None, False
        problem = "the broker opened no channel"
        backoff = Backoff()
        try:
            while True:
                if failed is not None and is_refused(failed):
                    # Perhaps for another message on that channel: ask about this one alone.
                    is_suspect = True
                elif failed is not None:
                    problem = str(failed)
                    async with asyncio.timeout_at(deadline):
                        await backoff.wait()
                try:
                    if is_suspect:
                        return await self._publish_alone(message, deadline)
                    channel = self._ready_for(message)
                    if channel is not None:
                        is_sent = True
                        return await channel.publish(message, deadline)
                    await self.prepare(message, deadline)
                    failed = None
                except BrokerError as error:
                    failed = error
        except TimeoutError:
            reason = None if is_sent else self.link.problem or problem
            raise too_late(message, timeout, reason) from None

    async def _outcome(
        self, message: Outgoing, timeout: float, deadline: float, failed: BrokerError
    ) -> PublishError | None:
        try:
            await self._insist(message, timeout, deadline, None if failed is NOT_SENT else failed)
        except PublishError as error:
            return error
        return None

    async def _publish_together(
        self, messages: Sequence[Outgoing], deadline: float
    ) -> list[Exception | None]:
        """Return for each what the channel answered, or NOT_SENT where something is not ready."""
        by_exchange = {message.exchange: message for message in messages}
        await self._prepare_for_all(by_exchange.values(), deadline)
        channel = self._channel
        if channel is None or not self._is_open:
            return [NOT_SENT] * len(messages)
        known = by_exchange.keys() & self._known
        if len(known) == len(by_exchange):
            return await channel.publish_many(messages, deadline)
        together = [message for message in messages if message.exchange in known]
        answers = iter(await channel.publish_many(together, deadline))
        return [next(answers) if message.exchange in known else NOT_SENT for message in messages]

    async def _prepare_for_all(self, messages: Iterable[Outgoing], deadline: float) -> None:
        """Prepare for messages of different exchanges, as far as that works."""
        for message in messages:
            if self._ready_for(message) is None:
                try:
                    await self.prepare(message, deadline)
                except PublishError:
                    continue
                except (BrokerError, TimeoutError):
                    return

    def _ready_for(self, message: Outgoing) -> MessageChannel | None:
        """Return the channel, if it is open and all is known to exist."""
        if message.exchange in self._known and self._is_open:
            return self._channel if self._declared == len(self._expected) else None
        return None

    async def prepare(self, message: Outgoing, deadline: float) -> None:
        """Have the channel open and the exchange known.

        The broker closes the channel of whoever publishes to one that is missing, and even the
        connection, when more was on its way.
        """
        async with asyncio.timeout_at(deadline):
            await self._preparing.until(
                lambda: self._ready_for(message) is not None, lambda: self._make_ready(message)
            )

    async def _make_ready(self, message: Outgoing) -> None:
        await self._open()
        await self._declare()
        if message.exchange not in self._known:
            with refusals(message):
                await self._look_up(message.exchange)

    async def _open(self) -> None:
        if not self._is_open:
            self._channel = await self._open_channel()
            self._known = {""}
            if self._channel.underlay.connection is not self._declared_by:
                self._declared_by = self._channel.underlay.connection
                self._declared = 0

    async def _declare(self) -> None:
        """Declare what can be declared; whoever consumes tells why the rest cannot be.

        Raises: BrokerError, when the connection is lost meanwhile.
        """
        while self._declared < len(self._expected):
            queue, is_wanted = self._expected[self._declared]
            try:
                if is_wanted():
                    await self._declarations.declare(queue)
            except BrokerError as error:
                if not (is_refused(error) or isinstance(error, TopologyMismatch)):
                    raise
            self._declared += 1

    async def _look_up(self, exchange: str) -> None:
        async with self._probe.channel() as channel:
            with broker_errors():
                await call(channel.underlay, ExchangeDeclare(exchange=exchange, passive=True))
        if len(self._known) >= MAX_KNOWN:
            self._known = {""}
        self._known.add(exchange)

    async def _publish_alone(self, message: Outgoing, deadline: float) -> None:
        with refusals(message):
            async with asyncio.timeout_at(deadline), self._alone.channel() as channel:
                await channel.publish(message, deadline)


def _told(message: Outgoing, timeout: float, answer: Exception | None) -> PublishError | None:
    """Return what a publisher is told by an answer that is the last one."""
    if isinstance(answer, TimeoutError):
        return too_late(message, timeout, None)
    return cast("PublishError | None", answer)
