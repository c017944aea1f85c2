"""Publishing to one vhost: confirmed, within a deadline."""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aiormq.exceptions import ChannelNotFoundEntity

from asyncworker.backoff import Backoff
from asyncworker.rabbitmq.declarations import Declarations
from asyncworker.rabbitmq.errors import (
    BrokerError,
    PublishRejected,
    PublishTimeout,
    TopologyMismatch,
    Unroutable,
    broker_errors,
    is_refused,
)
from asyncworker.rabbitmq.methods import ExchangeDeclare, call
from asyncworker.rabbitmq.probe import Probe
from asyncworker.rabbitmq.single_flight import SingleFlight
from asyncworker.rabbitmq.waiting import WaitingQueues

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from asyncworker.rabbitmq.carrier import Carrier
    from asyncworker.rabbitmq.link import Link
    from asyncworker.rabbitmq.outgoing import Outgoing
    from asyncworker.rabbitmq.topology import Queue

MAX_KNOWN: Final = 1000
"""The most exchanges that are remembered to exist."""
ALONE: Final = 32
"""Channels on which messages are published that may be what the broker refused."""
TOO_LARGE: Final = re.compile(r"message size (\d+) .*larger than .*max size (\d+)")
SMALLER: Final = (
    "the body has {0} bytes, this broker takes {1} at most: "
    "raise max_message_size in its rabbitmq.conf, or send less"
)


class Publisher:
    """Publish over a link of its own, so that a blocked publisher never blocks a consumer.

    queues: those that routes declare, the ones that come to it later too. They are declared before
    anything is published: a startup hook may publish to what is consumed only after it.
    """

    def __init__(self, link: Link, queues: Sequence[Queue] = ()) -> None:
        self.waiting = WaitingQueues(link)
        """On the connection that publishes: while the broker takes nothing from it, nothing is
        declared, and so no message is published in vain time and again."""
        self._link = link
        self._probe = Probe(link)
        self._alone = Probe(link, confirms=True, width=ALONE)
        self._declarations = Declarations(link)
        self._queues = queues
        self._declared = 0
        self._channel: Carrier | None = None
        self._known: set[str] = set()
        self._preparing = SingleFlight()

    async def publish(self, message: Outgoing, timeout: float) -> None:
        """Publish and wait for the confirm; when the connection is lost meanwhile, publish again.

        timeout: seconds.
        Raises: Unroutable, PublishRejected, PublishTimeout, NotSerializable
        """
        deadline = asyncio.get_running_loop().time() + timeout
        is_sent = is_suspect = False
        problem = "the broker opened no channel"
        backoff = None
        try:
            while True:
                try:
                    if is_suspect:
                        return await self._publish_alone(message, deadline)
                    channel = self._ready_for(message)
                    if channel is None:
                        await self._prepare(message, deadline)
                        continue
                    is_sent = True
                    return await channel.publish(message, deadline)
                except BrokerError as error:
                    if is_refused(error):
                        # Perhaps for another message on that channel: ask about this one alone.
                        is_suspect = True
                        continue
                    problem = str(error)
                backoff = backoff or Backoff()
                async with asyncio.timeout_at(deadline):
                    await backoff.wait()
        except TimeoutError:
            reason = None if is_sent else self._link.problem or problem
            raise PublishTimeout(_explained(message, timeout, reason)) from None

    async def ready(self, timeout: float) -> None:
        """Have a channel, so that what is published next goes out at once.

        timeout: seconds.
        Raises: BrokerError, TimeoutError
        """
        async with asyncio.timeout(timeout):
            await self._preparing.until(lambda: self._is_open, self._open)

    async def close(self) -> None:
        """Close the link, and with it the channel."""
        await self._link.close()

    @property
    def _is_open(self) -> bool:
        return self._channel is not None and not self._channel.is_lost

    def _ready_for(self, message: Outgoing) -> Carrier | None:
        """Return the channel, if it is open and all is known to exist."""
        if message.exchange in self._known and self._is_open:
            return self._channel if self._declared == len(self._queues) else None
        return None

    async def _prepare(self, message: Outgoing, deadline: float) -> None:
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
            with _refusals(message):
                await self._look_up(message.exchange)

    async def _open(self) -> None:
        if not self._is_open:
            self._channel = await self._link.open_channel(confirms=True)
            self._known = {""}

    async def _declare(self) -> None:
        """Declare what can be declared; whoever consumes tells why the rest cannot be.

        Raises: BrokerError, when the connection is lost meanwhile.
        """
        while self._declared < len(self._queues):
            try:
                await self._declarations.declare(self._queues[self._declared])
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
        with _refusals(message):
            async with asyncio.timeout_at(deadline), self._alone.channel() as channel:
                await channel.publish(message, deadline)


def _explained(message: Outgoing, timeout: float, reason: str | None) -> str:
    """Say how a deadline passed. reason: why nothing was sent, or None if it was."""
    if reason is None:
        return (
            f"no confirm within {timeout:g} s for {message}: "
            "it is unknown whether the broker has the message"
        )
    return f"not published within {timeout:g} s to {message}: {reason}"


@contextmanager
def _refusals(message: Outgoing) -> Iterator[None]:
    """Raise what the broker's refusal means to a publisher; let other failures of it pass."""
    try:
        yield
    except BrokerError as error:
        if not is_refused(error):
            raise
        cause = error.__cause__
        if isinstance(cause, ChannelNotFoundEntity):
            raise Unroutable(f"{message}: {error}") from cause
        found = TOO_LARGE.search(str(error))
        reason = SMALLER.format(*found.groups()) if found else error
        raise PublishRejected(f"{message}: {reason}") from cause
