"""Publishing to one vhost: confirmed, within a deadline."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from aiormq.exceptions import ChannelClosed, ChannelNotFoundEntity, DeliveryError
from aiormq.exceptions import PublishError as ReturnedError

from asyncworker.backoff import Backoff
from asyncworker.rabbitmq.errors import (
    BrokerError,
    PublishRejected,
    PublishTimeout,
    Unroutable,
    broker_errors,
)
from asyncworker.rabbitmq.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiormq.abc import AbstractChannel

    from asyncworker.rabbitmq.link import Link
    from asyncworker.rabbitmq.outgoing import Outgoing

MAX_KNOWN: Final = 1000
"""The most exchanges that are remembered to exist."""


class Publisher:
    """Publish over a link of its own, so that a blocked publisher never blocks a consumer."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._probe = Probe(link)
        self._channel: AbstractChannel | None = None
        self._known: set[str] = set()
        self._opening = asyncio.Lock()
        self._asking = asyncio.Lock()

    async def publish(self, message: Outgoing, timeout: float) -> None:
        """Publish and wait for the confirm; when the connection is lost meanwhile, publish again.

        timeout: seconds.
        Raises: Unroutable, PublishRejected, PublishTimeout
        """
        attempts = 0
        backoff = Backoff()
        try:
            async with asyncio.timeout(timeout) as limit:
                while True:
                    with suppress(BrokerError), _refusals(message):
                        channel = await self._channel_for(message.exchange)
                        attempts += 1
                        await self._publish_on(channel, message)
                        return
                    await backoff.wait()
        except TimeoutError:
            if not limit.expired():
                raise
            raise PublishTimeout(self._explain(message, timeout, attempts)) from None

    async def close(self) -> None:
        """Close the link, and with it the channel."""
        await self._link.close()

    async def _channel_for(self, exchange: str) -> AbstractChannel:
        """Return the channel, having seen that the exchange exists.

        The broker closes the channel of whoever publishes to one that is missing, and even the
        connection, when more was on its way.
        """
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._link.open_channel(confirms=True)
                self._known = {""}
            if exchange not in self._known:
                await self._look_up(exchange)
            return self._channel

    async def _look_up(self, exchange: str) -> None:
        async with self._probe.channel() as channel:
            with broker_errors():
                await channel.exchange_declare(exchange, passive=True)
        if len(self._known) >= MAX_KNOWN:
            self._known = {""}
        self._known.add(exchange)

    async def _publish_on(self, channel: AbstractChannel, message: Outgoing) -> None:
        try:
            await _publish(channel, message)
        except BrokerError as error:
            if not isinstance(error.__cause__, ChannelClosed):
                raise
            # The broker may have refused another message on that channel: ask about this one alone.
            async with self._asking, self._link.channel(confirms=True) as own:
                await _publish(own, message)

    def _explain(self, message: Outgoing, timeout: float, attempts: int) -> str:
        if attempts:
            return (
                f"no confirm within {timeout:g} s for {message}: "
                "it is unknown whether the broker has the message"
            )
        reason = self._link.problem or "the broker opened no channel"
        return f"not published within {timeout:g} s to {message}: {reason}"


async def _publish(channel: AbstractChannel, message: Outgoing) -> None:
    with broker_errors():
        await channel.basic_publish(
            message.body,
            exchange=message.exchange,
            routing_key=message.routing_key,
            properties=message.properties,
            mandatory=message.mandatory,
        )


@contextmanager
def _refusals(message: Outgoing) -> Iterator[None]:
    """Raise what the broker's refusal means to a publisher; let other failures of it pass."""
    try:
        yield
    except BrokerError as error:
        cause = error.__cause__
        if isinstance(cause, ReturnedError | ChannelNotFoundEntity):
            raise Unroutable(f"{message}: {error}") from cause
        if isinstance(cause, DeliveryError):
            reason = "the broker refuses it, as a full queue does"
            raise PublishRejected(f"{message}: {reason}") from cause
        if isinstance(cause, ChannelClosed):
            raise PublishRejected(f"{message}: {error}") from cause
        raise
