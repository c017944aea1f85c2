"""What was in a queue at one moment, read without taking it out."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AsyncExitStack, suppress
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from aiormq.exceptions import ChannelNotFoundEntity

from asyncworker.codecs import by_content_type
from asyncworker.options import Actions
from asyncworker.rabbitmq.amqp.frames import Unhandled
from asyncworker.rabbitmq.amqp.methods import QueueDeclare, call
from asyncworker.rabbitmq.connecting.probe import Probe
from asyncworker.rabbitmq.consumer import SHARED
from asyncworker.rabbitmq.consuming.consume_channel import ConsumeChannel
from asyncworker.rabbitmq.errors import BrokerError, broker_errors
from asyncworker.rabbitmq.settling.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.wire.content_reader import Content

NARROWEST: Final = 16
WIDEST: Final = 32_768
"""Messages that one consumer holds, the most. AMQP counts to 65,535."""
WIDTH: Final = 256
BYTES: Final = 32 * 2**20
"""What is on its way from the broker, about the most, by the largest message seen so far."""
IDLE: Final = 0.5
"""Seconds without a message after which the broker is asked whether there are any."""
STALLED: Final = 10.0
"""Seconds without one after which it is taken for a queue that gives none."""
BACK_TIMEOUT: Final = 2.0
"""Seconds that what goes back may take."""
BACK_EVERY: Final = 0.02
OPEN_TIMEOUT: Final = 20.0
"""Seconds that a broker has to open a channel."""
_read_tag: Final = Struct("!Q").unpack_from


class Delivery(NamedTuple):
    """Hold what was delivered, and by what it is settled."""

    hold: Hold
    tag: int
    properties: bytes
    body: bytes


class Depth(NamedTuple):
    """Hold what a queue says of itself: messages that wait, and its consumers."""

    messages: int
    consumers: int


async def depth_of(probe: Probe, queue: str) -> Depth | None:
    """Return how much waits in a queue, None when there is no such queue.

    Raises: BrokerError
    """
    try:
        async with asyncio.timeout(OPEN_TIMEOUT), probe.channel() as channel:
            with broker_errors():
                found = await call(channel.underlay, QueueDeclare(queue=queue, passive=True))
    except BrokerError as error:
        if isinstance(error.__cause__, ChannelNotFoundEntity):
            return None
        raise
    except TimeoutError:
        raise BrokerError(f"no answer within {OPEN_TIMEOUT:g} s") from None
    return Depth(found.message_count or 0, found.consumer_count or 0)


class Hold:
    """Have one consumer's messages, and know which of them are unsettled: those alone."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.channel: ConsumeChannel
        self.tags: dict[int, None] = {}
        self.given_back = 0
        self._stack = AsyncExitStack()

    async def open(self, link: Link, take: Callable[[list[Content], ConsumeChannel], int]) -> None:
        """Have a channel.

        Raises: BrokerError
        """
        opened = ConsumeChannel.opened(link, self.width, take, by_content_type.codec, Ledger())
        self.channel = await self._stack.enter_async_context(opened)

    @property
    def is_full(self) -> bool:
        """Tell whether it gets nothing more before something is acknowledged."""
        return len(self.tags) >= self.width

    def acknowledge(self, tag: int) -> None:
        """Confirm a message to its queue."""
        del self.tags[tag]
        self.channel.settle(tag, Actions.ACK)

    async def close(self) -> None:
        """Have all go back that are held."""
        for tag in self.tags:
            self.channel.settle(tag, Unhandled.RETURN)
        self.given_back = len(self.tags)
        self.tags = {}
        await self._stack.aclose()


class Scan:
    """Read what waits in a queue as the scan begins, each message once.

    What is not acknowledged is held unsettled, without its body, and goes back as the scan ends: so
    none comes twice, and none that comes to the queue meanwhile is read. A consumer holds no more
    than prefetch lets it: when it is full of them there is another one, on a channel of its own.

    count: how many messages are read, the most. width: how many are on their way at a time, the
    most.
    """

    def __init__(self, link: Link, queue: str, count: int, width: int | None = None) -> None:
        self._link = link
        self._probe = Probe(link)
        self._queue = queue
        self._left = count
        self._width = min(WIDTH, width or WIDTH)
        self._widest = width or WIDEST
        self._largest = 1
        self._holds: list[Hold] = []
        self._to_take = count
        self._arrived: deque[Delivery] = deque()
        self._news = asyncio.Event()
        self._watching: set[asyncio.Task[None]] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Raises what ended the scan before its time."""
        self._is_over = False
        self._is_stopped = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        watching = tuple(self._watching)
        for task in watching:
            task.cancel()
        try:
            if watching:
                await asyncio.wait(watching)
            await self._stop()
        finally:
            # One after the other, the oldest first: that is the order in which they go back.
            async with AsyncExitStack() as stack:
                for hold in reversed(self._holds):
                    stack.push_async_callback(hold.close)
        if kind is None:
            await self._until_back(sum(hold.given_back for hold in self._holds))

    @property
    def has_next(self) -> bool:
        """Tell whether a message is here already."""
        return bool(self._arrived)

    async def next(self) -> Delivery | None:
        """Return the next message, None after the last one.

        All before must be acknowledged or be meant to be held, unless `has_next`.
        Raises: BrokerError
        """
        idle = 0.0
        while not self._arrived:
            if self.failed.done():
                self.failed.result()
            if self._left <= 0 or self._is_over:
                return None
            self._news.clear()
            await self._consume()
            try:
                async with asyncio.timeout(IDLE):
                    await self._news.wait()
            except TimeoutError:
                idle += IDLE
                await self._ask(idle)
        if self._to_take <= 0:
            await self._stop()
        self._left -= 1
        return self._arrived.popleft()

    async def _consume(self) -> None:
        """Have a consumer that has room."""
        if self._holds and not self._holds[-1].is_full:
            return
        if self._holds:
            self._width = min(self._width * 2, self._widest)
        fitting = max(NARROWEST, BYTES // self._largest)
        await self._open(Hold(min(self._width, fitting, self._left)))

    async def _open(self, hold: Hold) -> None:
        def take(contents: list[Content], _channel: ConsumeChannel) -> int:
            self._take(hold, contents)
            return 1

        try:
            async with asyncio.timeout(OPEN_TIMEOUT):
                await hold.open(self._link, take)
                self._holds.append(hold)
                self._watch(self._lost(hold.channel))
                await hold.channel.consume(self._queue, SHARED)
        except TimeoutError:
            raise BrokerError(f"no answer within {OPEN_TIMEOUT:g} s") from None
        self._watch(self._cancelled(hold.channel))

    def _take(self, hold: Hold, contents: list[Content]) -> None:
        for _, arguments, properties, body in contents:
            (tag,) = _read_tag(arguments, arguments[0] + 1)
            hold.tags[tag] = None
            self._largest = max(self._largest, len(properties) + len(body))
            if self._to_take > 0:
                self._to_take -= 1
                self._arrived.append(Delivery(hold, tag, properties, body))
        self._news.set()

    async def _stop(self) -> None:
        """Have the consumers get nothing more: not what is acknowledged makes room for, either."""
        if not self._is_stopped:
            self._is_stopped = True
            for hold in self._holds:
                if not hold.channel.is_lost:
                    await hold.channel.stop_consuming(())

    async def _until_back(self, count: int) -> None:
        """Wait until so many are in the queue, but not for long: others may have taken them.

        A quorum queue has them on its disks before. Who looks again at once must not miss them.
        """
        with suppress(BrokerError, TimeoutError):
            async with asyncio.timeout(BACK_TIMEOUT):
                while count:
                    found = await depth_of(self._probe, self._queue)
                    if found is None or found.messages >= count:
                        return
                    await asyncio.sleep(BACK_EVERY)

    async def _ask(self, idle: float) -> None:
        """Ask whether there is anything left, as others may have taken it.

        Raises: BrokerError
        """
        found = await depth_of(self._probe, self._queue)
        if found is None or not found.messages:
            self._is_over = True
        elif idle >= STALLED:
            raise BrokerError(
                f"it holds {found.messages} and gives none of them: another consumer may be its "
                "single active one"
            )

    def _watch(self, waiting: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(waiting)
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _lost(self, channel: ConsumeChannel) -> None:
        try:
            await channel.lost()
        except BrokerError as error:
            self._fail(error)

    async def _cancelled(self, channel: ConsumeChannel) -> None:
        await channel.cancelled(self._queue)
        self._fail(BrokerError("the broker ended the reading, as when a queue is deleted"))

    def _fail(self, problem: BrokerError) -> None:
        if not self.failed.done():
            self.failed.set_exception(problem)
            # Whoever does not ask must not be complained about.
            self.failed.exception()
        self._news.set()
