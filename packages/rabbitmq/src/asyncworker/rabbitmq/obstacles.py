"""What keeps a queue from being consumed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiormq.exceptions import ChannelAccessRefused, ChannelClosed, ChannelNotFoundEntity

from asyncworker.rabbitmq.errors import BrokerError, broker_errors
from asyncworker.rabbitmq.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asyncworker.rabbitmq.link import Link


class Obstacles:
    """Ask whether queues can be consumed, on a channel of its own.

    The broker closes a channel that asks in vain, and with it all that is consumed on it.
    """

    def __init__(self, link: Link) -> None:
        self._probe = Probe(link)
        self._refused: set[str] = set()

    async def to(self, queue: str) -> str | None:
        """Return why a queue cannot be consumed now, or None.

        Raises: BrokerError, when the connection is lost meanwhile.
        """
        try:
            await self._ask(queue)
        except BrokerError as error:
            if isinstance(error.__cause__, ChannelNotFoundEntity):
                return "the queue does not exist: create it"
            if isinstance(error.__cause__, ChannelClosed):
                return str(error)
            raise
        return None

    @contextmanager
    def noticed(self, queue: str) -> Iterator[None]:
        """Remember whether consuming a queue was refused, so that it is asked for better."""
        try:
            yield
        except BrokerError as error:
            if isinstance(error.__cause__, ChannelAccessRefused):
                self._refused.add(queue)
            raise
        self._refused.discard(queue)

    async def _ask(self, queue: str) -> None:
        async with self._probe.channel() as channel:
            with broker_errors():
                await channel.underlay.queue_declare(queue, passive=True)
                if queue in self._refused:
                    # Only reading shows whether reading is allowed.
                    fetched = await channel.underlay.basic_get(queue)
                    if fetched.delivery_tag is not None:
                        tag = fetched.delivery_tag
                        await channel.underlay.basic_reject(tag, requeue=True, wait=False)
