"""Questions to the broker that it may answer by closing the channel."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from asyncworker.rabbitmq.errors import PublishError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.wire.message_channel import MessageChannel


WIDTH: Final = 8
"""Questions at a time: one by one, hundreds of queues would take long on a slow link."""


class Probe:
    """Keep channels from one question to the next, as long as the answers are good.

    Closing one each time would cost more than a round trip: the library closes once more what is
    not closed within a heartbeat, and the broker then ends the whole connection.

    width: the most questions at a time, each on a channel of its own. open: opens one; one without
    confirms when left out.
    """

    def __init__(
        self,
        link: Link,
        open: Callable[[], Awaitable[MessageChannel]] | None = None,
        *,
        width: int = WIDTH,
    ) -> None:
        self._link = link
        self._open = open or partial(link.open_channel, confirms=False)
        self._idle: list[MessageChannel] = []
        self._asking = asyncio.Semaphore(width)

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[MessageChannel]:
        """Offer a channel to one who asks, alone on it.

        Raises: BrokerError, when the connection is lost meanwhile.
        """
        async with self._asking:
            self._idle = [channel for channel in self._idle if not channel.is_lost]
            if self._idle:
                channel = self._idle.pop()
            else:
                channel = await self._open()
            try:
                yield channel
            except PublishError:
                # That is an answer too.
                self._idle.append(channel)
                raise
            except BaseException:
                # After a cancellation too the answer may come yet, and would be taken for that to
                # the next question.
                self._link.discard(channel)
                raise
            self._idle.append(channel)
