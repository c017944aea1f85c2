"""A route's channel: what is delivered comes in, what is decided goes out."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from aiormq.exceptions import ChannelInvalidStateError

from asyncworker.rabbitmq.amqp.methods import QueueDeclare, call, cancel
from asyncworker.rabbitmq.connecting.broker_version import version_of
from asyncworker.rabbitmq.connecting.link import CLOSE_TIMEOUT
from asyncworker.rabbitmq.errors import BrokerError, broker_errors, reason_of
from asyncworker.rabbitmq.settling.settlement_pace import SettlementPace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable

    from pamqp.commands import Basic

    from asyncworker.codecs import Codec
    from asyncworker.rabbitmq.amqp.frames import Decision
    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.consumer import Consumer
    from asyncworker.rabbitmq.settling.ledger import Ledger
    from asyncworker.rabbitmq.wire.content_reader import Content
    from asyncworker.rabbitmq.wire.message_channel import MessageChannel


class ConsumeChannel:
    """Consume queues on one AMQP channel, and settle each delivery on it exactly once.

    A delivery belongs to the channel that brought it. Once that is lost, outcomes are dropped: the
    broker delivers the message again.

    prefetch: the most unsettled messages for each consumer, unless fewer are allowed. take: gets
    the deliveries of one read, and this channel, which they belong to, and returns how many more
    have to come before any of them is of use. codec: what is published
    with its messages is encoded by it. ledger: what they are settled by.
    """

    def __init__(
        self,
        channel: MessageChannel,
        prefetch: int,
        take: Callable[[list[Content], ConsumeChannel], int],
        codec: Codec,
        ledger: Ledger,
    ) -> None:
        self.codec = codec
        self.holds = False
        """Whether something may have to leave with messages before they are acknowledged."""
        self.has_default_limit = version_of(channel.underlay) >= (4,)
        """Whether quorum queues drop what comes back often, though nobody set a limit."""
        self.queues: dict[bytes, str] = {}
        """Those that are consumed, by the consumer tag of their deliveries."""
        self._channel = channel
        self._prefetch = prefetch
        self._take = take
        self._ledger = ledger
        self._pace = SettlementPace(prefetch)
        self._is_settling = False
        self._consumers: dict[str, asyncio.Event] = {}
        self._asking = asyncio.Lock()
        self._given_up: asyncio.Future[BrokerError] = asyncio.get_running_loop().create_future()
        self._wanted: dict[str, Consumer] = {}
        self._is_stopped = False
        self._stopping: asyncio.Future[None] | None = None
        channel.underlay.on_consumer_cancel_callbacks.add(self._on_cancel)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        link: Link,
        prefetch: int,
        take: Callable[[list[Content], ConsumeChannel], int],
        codec: Codec,
        ledger: Ledger,
    ) -> AsyncIterator[ConsumeChannel]:
        """Offer a channel; before it closes, send the outcomes that are decided.

        Raises: BrokerError
        """
        async with link.channel() as opened:
            channel = cls(opened, prefetch, take, codec, ledger)
            try:
                yield channel
            finally:
                with suppress(BrokerError, TimeoutError):
                    async with asyncio.timeout(CLOSE_TIMEOUT):
                        await channel._settled()
                if channel._stopping is not None:
                    channel._stopping.cancel()
                    await asyncio.wait([channel._stopping])

    @property
    def is_lost(self) -> bool:
        """Tell whether the channel has ended, so that nothing can be settled on it any more."""
        return self._channel.is_lost

    async def lost(self) -> None:
        """Wait for the end of the channel.

        Raises: BrokerError, always.
        """
        closing = self._channel.underlay.closing
        await asyncio.wait([closing, self._given_up], return_when=asyncio.FIRST_COMPLETED)
        if self._given_up.done():
            raise self._given_up.result()
        error = None if closing.cancelled() else closing.exception()
        raise BrokerError(reason_of(error) if error else "the channel was closed") from error

    def give_up(self, reason: BrokerError) -> None:
        """Have `lost()` raise, though the channel works."""
        if not self._given_up.done():
            self._given_up.set_result(reason)

    async def allow(self, prefetch: int) -> None:
        """Have queues consumed from now on, as before `stop_consuming()`.

        prefetch: the most unsettled messages for each consumer.
        Raises: BrokerError
        """
        self._is_stopped, self._stopping = False, None
        self._prefetch = prefetch
        await self._answered()

    async def consume(self, queue: str, how: Consumer) -> None:
        """Start to consume a queue in a way, unless the consuming is being stopped.

        Raises: BrokerError, when the broker refuses; the channel is then lost.
        """
        self._consumers[queue] = asyncio.Event()
        self._wanted[queue] = how
        async with self._asking:
            if self.is_lost:
                await self.lost()
            # All that were wanted while the one before waited go together: on a slow link many
            # queues would take long one by one.
            wanted, self._wanted = self._wanted, {}
            if wanted:
                await self._consume(wanted)

    async def _consume(self, queues: dict[str, Consumer]) -> None:
        try:
            for queue, how in queues.items():
                # What began after the cancels would hold on to its messages to the end.
                if not self._is_stopped:
                    # Deliveries may be here at once: who they are for must be known.
                    self.queues[queue.encode()] = queue
                    await self._channel.consume(queue, self._on_deliveries, how)
            await self._answered()
        except BrokerError as error:
            if isinstance(error.__cause__, ChannelInvalidStateError):
                # The broker has refused one before: the end of the channel tells why.
                await self.lost()
            raise

    async def cancelled(self, queue: str) -> None:
        """Wait until the consuming of a queue ends, as when one is deleted, or left."""
        await self._consumers[queue].wait()

    async def stop_consuming(self, busy: Collection[str]) -> None:
        """Have the broker send nothing more, and wait for what it sent before, but not for long.

        busy: queues of which handlers are still at messages.
        """
        self._is_stopped = True
        if self._stopping is None:
            # Of a consumer that it took back, the broker ends the channel when one message more is
            # unsettled for too long and the consumer is not there any more. When all its messages
            # are settled, it would come to life again. (4.3.6)
            queues = [
                queue
                for queue in self.queues.values()
                if queue not in busy or not self._consumers[queue].is_set()
            ]
            self._stopping = asyncio.ensure_future(self._stop(queues))
        # Nothing is cancelled when that takes long: the library would close the channel, and what
        # handlers are still at could not be confirmed any more.
        await asyncio.wait([self._stopping], timeout=CLOSE_TIMEOUT)

    async def leave(self, queue: str) -> None:
        """Have the broker send nothing more of one queue, and wait for what it sent before.

        Raises: BrokerError
        """
        if self._stopping is not None:
            await self.stopped()
        else:
            # What was asked for is answered by then: it is not to come after the cancel.
            async with self._asking:
                self._wanted.pop(queue, None)
                if queue.encode() in self.queues and not self.is_lost:
                    with broker_errors():
                        await cancel(self._channel.underlay, queue)
                    for _ in range(2):
                        await self._answered()
        if queue in self._consumers:
            self._consumers[queue].set()

    async def taken_in(self, queue: str) -> None:
        """Wait until a queue has taken in what was decided about its messages.

        Raises: BrokerError
        """
        await self._settled()
        with broker_errors():
            # It answers behind all that this channel told it before.
            await call(self._channel.underlay, QueueDeclare(queue=queue, passive=True))

    async def stopped(self) -> None:
        """Wait until the broker sends nothing more, however long that takes."""
        if self._stopping is not None:
            await asyncio.wait([self._stopping])

    async def _stop(self, queues: list[str]) -> None:
        with suppress(BrokerError):
            with broker_errors():
                # Without an answer to each, which for many queues on a slow link would take long.
                for queue in queues:
                    await cancel(self._channel.underlay, queue)
            # With the first answer the queues know of it, and what they had on its way to the
            # channel then comes before the second one.
            for _ in range(2):
                await self._answered()

    async def _answered(self) -> None:
        """Wait until the broker has done all that it was asked for on this channel.

        Raises: BrokerError
        """
        with broker_errors():
            await self._channel.underlay.basic_qos(prefetch_count=self._prefetch)

    @property
    def lowest_open(self) -> int:
        """Return the lowest delivery tag that is not settled, be it delivered already or not."""
        return self._ledger.lowest_open

    def is_settled(self, delivery_tag: int) -> bool:
        """Tell whether it was decided about a delivery."""
        return self._ledger.is_decided(delivery_tag)

    def settle(self, delivery_tag: int, action: Decision) -> None:
        """Decide about a delivery; what is decided in one turn of the loop is sent together."""
        self._ledger.decide(delivery_tag, action)
        if not self._is_settling:
            self._send_soon()

    def acknowledge(self, delivery_tags: Iterable[int]) -> None:
        """Decide that deliveries are acknowledged; for many that takes less than one by one."""
        self._ledger.acknowledge(delivery_tags)
        if not self._is_settling:
            self._send_soon()

    def _send_soon(self) -> None:
        self._is_settling = True
        asyncio.get_running_loop().call_soon(self._send_outcomes)

    def _send_outcomes(self) -> None:
        self._is_settling = False
        if not self.is_lost:
            settlements = self._ledger.take()
            self._channel.send(settlements)
            if len(settlements) > 1:
                self._pace.note(len(settlements))

    async def _settled(self) -> None:
        """Send what is decided, and wait as long as the broker may need to take it in.

        Raises: BrokerError
        """
        self._send_outcomes()
        await self._channel.flush()
        if not self.is_lost:
            await self._pace.caught_up()

    def _on_deliveries(self, contents: list[Content]) -> int:
        if self.is_lost or self._given_up.done():
            return 1
        return self._take(contents, self)

    def _on_cancel(self, frame: Basic.Cancel) -> None:
        if frame.consumer_tag in self._consumers:
            self._consumers[frame.consumer_tag].set()
