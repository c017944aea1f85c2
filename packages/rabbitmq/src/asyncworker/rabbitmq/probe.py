"""Questions to the broker that it may answer by closing the channel."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from asyncworker.rabbitmq.carrier import Carrier
    from asyncworker.rabbitmq.link import Link


WIDTH: Final = 8
"""Questions at a time: one by one, hundreds of queues would take long on a slow link."""


class Probe:
    """Keep channels from one question to the next, as long as the answers are good.

    Closing one each time would cost more than a round trip: the library closes once more what is
    not closed within a heartbeat, and the broker then ends the whole connection.

    width: the most questions at a time, each on a channel of its own.
    """

    def __init__(self, link: Link, *, confirms: bool = False, width: int = WIDTH) -> None:
        self._link = link
        self._confirms = confirms
        self._idle: list[Carrier] = []
        self._asking = asyncio.Semaphore(width)

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[Carrier]:
        """Offer a channel to one who asks, alone on it.

        Raises: BrokerError, when the connection is lost meanwhile.
        """
        async with self._asking:
            self._idle = [channel for channel in self._idle if not channel.is_lost]
            if self._idle:
                channel = self._idle.pop()
            else:
                channel = await self._link.open_channel(confirms=self._confirms)
            try:
                yield channel
            except PublishError:
                # That is an answer too.
                self._idle.append(channel)
                raise
            except BaseException:
                # The answer may come yet, and would be taken for that to the next question.
                self._link.discard(channel)
                raise
            self._idle.append(channel)
