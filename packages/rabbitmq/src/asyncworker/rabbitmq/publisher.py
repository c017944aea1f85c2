"""Publishing to one vhost: confirmed, within a deadline."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiormq.exceptions import ChannelClosed, ChannelNotFoundEntity, DeliveryError, PublishError

from asyncworker.backoff import Backoff
from asyncworker.rabbitmq.errors import (
    BrokerError,
    PublishRejected,
    PublishTimeout,
    Unroutable,
    broker_errors,
)

if TYPE_CHECKING:
    from aiormq.abc import AbstractChannel

    from asyncworker.rabbitmq.link import Link
    from asyncworker.rabbitmq.outgoing import Outgoing

MAX_CHANNELS: Final = 64
"""Channels of one publisher; exchanges beyond that many share one."""


class Publisher:
    """Publish over a link of its own, so that a blocked publisher never blocks a consumer.

    Each exchange has a channel of its own: the broker closes the channel of whoever publishes to
    an exchange that is missing or forbidden, and with it all that is unconfirmed there.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._opening = asyncio.Lock()
        self._channels: dict[str | None, AbstractChannel] = {}

    async def publish(self, message: Outgoing, timeout: float) -> None:
        """Publish and wait for the confirm; when the connection is lost meanwhile, publish again.

        timeout: seconds.
        Raises: Unroutable, PublishRejected, PublishTimeout
        """
        attempts = 0
        try:
            async with asyncio.timeout(timeout) as limit:
                backoff = Backoff()
                while True:
                    channel = await self._channel(message.exchange)
                    attempts += 1
                    if await self._is_confirmed(channel, message):
                        return
                    await backoff.wait()
        except TimeoutError:
            if not limit.expired():
                raise
            raise PublishTimeout(self._explain(message, timeout, attempts)) from None

    async def close(self) -> None:
        """Close the link, and with it every channel."""
        self._channels.clear()
        await self._link.close()

    async def _channel(self, exchange: str) -> AbstractChannel:
        async with self._opening:
            is_free = exchange in self._channels or len(self._channels) < MAX_CHANNELS
            key = exchange if is_free else None
            channel = self._channels.get(key)
            if channel is None or channel.is_closed:
                channel = await self._link.open_channel(confirms=True)
                self._channels[key] = channel
            return channel

    async def _is_confirmed(self, channel: AbstractChannel, message: Outgoing) -> bool:
        """Publish once; return False when the connection was lost before the broker answered."""
        try:
            with broker_errors():
                await channel.basic_publish(
                    message.body,
                    exchange=message.exchange,
                    routing_key=message.routing_key,
                    properties=message.properties,
                    mandatory=message.mandatory,
                )
        except BrokerError as error:
            _raise_if_refused(error, message)
            return False
        return True

    def _explain(self, message: Outgoing, timeout: float, attempts: int) -> str:
        if attempts:
            return (
                f"no confirm within {timeout:g} s for {message}: "
                "it is unknown whether the broker has the message"
            )
        reason = self._link.problem or "the broker opened no channel"
        return f"not published within {timeout:g} s to {message}: {reason}"


def _raise_if_refused(error: BrokerError, message: Outgoing) -> None:
    """Raise what the broker's answer means for the publisher, if it gave one."""
    cause = error.__cause__
    if isinstance(cause, PublishError | ChannelNotFoundEntity):
        raise Unroutable(f"{message}: {error}") from cause
    if isinstance(cause, DeliveryError):
        raise PublishRejected(f"{message}: the broker refuses it, as a full queue does") from cause
    if isinstance(cause, ChannelClosed) and cause.args:
        raise PublishRejected(f"{message}: {error}") from cause
