"""Questions to the broker that it may answer by closing the channel."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncworker.rabbitmq.carrier import Carrier
    from asyncworker.rabbitmq.link import Link


class Probe:
    """Keep a channel from one question to the next, as long as the answers are good.

    Closing it each time would cost more than a round trip: the library closes once more what is
    not closed within a heartbeat, and the broker then ends the whole connection.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._channel: Carrier | None = None
        self._asking = asyncio.Lock()

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[Carrier]:
        """Offer the channel to one who asks at a time.

        Raises: BrokerError, when the connection is lost meanwhile.
        """
        async with self._asking:
            channel, self._channel = self._channel, None
            if channel is None or channel.is_lost:
                channel = await self._link.open_channel(confirms=False)
            yield channel
            self._channel = channel
