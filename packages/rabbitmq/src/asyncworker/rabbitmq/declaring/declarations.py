"""Queues with all they need, declared."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from aiormq.exceptions import ChannelNotFoundEntity

from asyncworker.rabbitmq.amqp.methods import ExchangeDeclare, QueueBind, QueueDeclare, call
from asyncworker.rabbitmq.connecting.broker_version import version_of
from asyncworker.rabbitmq.connecting.probe import WIDTH, Probe
from asyncworker.rabbitmq.declaring.mismatch import LimitMissing, explained
from asyncworker.rabbitmq.errors import (
    BrokerError,
    TopologyMismatch,
    broker_errors,
    is_refused,
)
from asyncworker.rabbitmq.topology import (
    DELIVERY_LIMIT,
    EXCHANGE_TYPES,
    UNLIMITED,
    Binding,
    Exchange,
    Queue,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from aiormq.abc import AbstractChannel

    from asyncworker.rabbitmq.connecting.link import Link

START_TIMEOUT: Final = 5.0
"""Seconds that the start of an app waits for a broker to declare what its routes need."""


class Declarations:
    """Declare on a channel of its own: the broker closes it with the first one that it refuses."""

    def __init__(self, link: Link) -> None:
        self.without_limit: set[str] = set()
        """Queues that exist without the delivery limit that a route states, as they were made
        before there was one: no reason not to consume them."""
        self._link = link
        self._probe = Probe(link)
        self._risking = asyncio.Semaphore(WIDTH)
        self._types = set(EXCHANGE_TYPES)
        """Types of exchanges that the broker knows."""
        self._learning = asyncio.Lock()

    async def declare(self, queue: Queue) -> None:
        """Declare a queue, where its dead letters go, and what it is bound to, in this order.

        Raises: TopologyMismatch, BrokerError
        """
        while True:
            try:
                async with self._channel(queue) as channel:
                    return await self._declare(channel, queue)
            except LimitMissing as missing:
                self.without_limit.add(missing.queue)

    async def problem_of(self, queue: Queue) -> str | None:
        """Return why a queue that exists could not be declared, if anything; change nothing.

        Raises: TopologyMismatch; BrokerError, when the connection is lost meanwhile.
        """
        try:
            async with self._probe.channel() as channel:
                await _expect(channel.underlay, queue.name)
                # As it exists, declaring it only compares.
                await self._declare_queue(channel.underlay, queue)
        except LimitMissing as missing:
            self.without_limit.add(missing.queue)
            return await self.problem_of(queue)
        except BrokerError as error:
            if isinstance(error.__cause__, ChannelNotFoundEntity):
                return None
            if is_refused(error):
                return str(error)
            raise
        return None

    async def has_exchange(self, name: str) -> bool:
        """Tell whether an exchange exists, as far as we may know.

        Raises: BrokerError, when the connection is lost meanwhile.
        """
        try:
            async with self._probe.channel() as channel:
                with broker_errors():
                    await call(channel.underlay, ExchangeDeclare(exchange=name, passive=True))
        except BrokerError as error:
            if is_refused(error):
                return not isinstance(error.__cause__, ChannelNotFoundEntity)
            raise
        return True

    async def _declare(self, channel: AbstractChannel, queue: Queue) -> None:
        dead = queue.dead_queue
        if dead is not None:
            await self._declare(channel, dead)
        elif isinstance(queue.dead_letter, str):
            await _expect(channel, queue.dead_letter)
        for exchange in own_exchanges(queue):
            await _declare_exchange(channel, exchange)
        await self._declare_queue(channel, queue)
        for binding in queue.bind:
            await _bind(channel, queue, binding)

    async def _declare_queue(self, channel: AbstractChannel, queue: Queue) -> None:
        with explained("queue", queue.name), broker_errors():
            await call(
                channel,
                QueueDeclare(
                    queue=queue.name,
                    durable=queue.durable,
                    auto_delete=queue.auto_delete,
                    arguments=self._arguments(queue, version_of(channel)),
                ),
            )

    def _arguments(self, queue: Queue, version: tuple[int, ...]) -> dict[str, Any]:
        arguments = queue.all_arguments
        # Before 4.0 there is no limit unless one is set, and -1 would be the strictest of all.
        is_default = arguments.get(DELIVERY_LIMIT) == UNLIMITED and version < (4,)
        if queue.name in self.without_limit or is_default:
            arguments.pop(DELIVERY_LIMIT, None)
        return arguments

    @asynccontextmanager
    async def _channel(self, queue: Queue) -> AsyncIterator[AbstractChannel]:
        queues = _queues(queue)
        types = {exchange.type for one in queues for exchange in own_exchanges(one)}
        if not all(one.durable and not one.arguments for one in queues):
            # A broker may end the whole connection over a type that no plugin of its knows, over a
            # transient queue, and over an argument that it takes no more.
            async with self._risking, self._aside() as channel:
                yield channel
            return
        if not types <= self._types:
            # One asks, and the others then know.
            async with self._learning:
                if not types <= self._types:
                    async with self._aside() as channel:
                        yield channel
                    self._types |= types
                    return
        try:
            async with self._probe.channel() as channel:
                yield channel.underlay
        except BrokerError:
            # The plugin may have been disabled.
            self._types = set(EXCHANGE_TYPES)
            raise

    @asynccontextmanager
    async def _aside(self) -> AsyncIterator[AbstractChannel]:
        """Offer a channel of a connection that may end without harm."""
        async with self._link.aside() as link, link.channel() as channel:
            yield channel.underlay


async def declare_at_start(queues: Mapping[Link, Sequence[Queue]]) -> None:
    """Declare what can be declared now; whoever consumes declares the rest later.

    Raises: TopologyMismatch, alone in a group
    """
    async with asyncio.TaskGroup() as group:
        for link, own in queues.items():
            if own:
                group.create_task(_declare_now(link, own))


async def _declare_now(link: Link, queues: Sequence[Queue]) -> None:
    declarations = Declarations(link)
    with suppress(TimeoutError):
        async with asyncio.timeout(START_TIMEOUT):
            if await _reached(link):
                for missed in await _missed_of(declarations, queues):
                    # What it needs may have been declared meanwhile.
                    await _missed(declarations, missed)


async def _reached(link: Link) -> bool:
    try:
        await link.reach()
    except BrokerError:
        # Whoever consumes tries again, and says why that is.
        return False
    return True


async def _missed_of(declarations: Declarations, queues: Sequence[Queue]) -> list[Queue]:
    """Declare queues side by side; return those of which that cannot be done now.

    Raises: TopologyMismatch, when none of them is at it any more
    """
    declaring = [asyncio.ensure_future(_missed(declarations, queue)) for queue in queues]
    try:
        return [queue for queue in await asyncio.gather(*declaring) if queue is not None]
    finally:
        for one in declaring:
            one.cancel()
        await asyncio.wait(declaring)


async def _missed(declarations: Declarations, queue: Queue) -> Queue | None:
    """Declare a queue; return it if that cannot be done now.

    Raises: TopologyMismatch
    """
    try:
        await declarations.declare(queue)
    except TopologyMismatch:
        raise
    except BrokerError:
        # An exchange or a permission that is missing may come: it is shown as a problem till then.
        return queue
    return None


async def _bind(channel: AbstractChannel, queue: Queue, binding: Binding) -> None:
    with explained("exchange", binding.exchange_name), broker_errors():
        await call(
            channel,
            QueueBind(
                queue=queue.name,
                exchange=binding.exchange_name,
                routing_key=binding.routing_key,
                arguments=dict(binding.arguments),
            ),
        )


async def _declare_exchange(channel: AbstractChannel, exchange: Exchange) -> None:
    with explained("exchange", exchange.name), broker_errors():
        await call(
            channel,
            ExchangeDeclare(
                exchange=exchange.name,
                exchange_type=exchange.type,
                durable=exchange.durable,
                auto_delete=exchange.auto_delete,
                internal=exchange.internal,
                arguments=dict(exchange.arguments),
            ),
        )


async def _expect(channel: AbstractChannel, queue: str) -> None:
    """Accept a queue that exists.

    Raises: BrokerError
    """
    with explained("queue", queue), broker_errors():
        await call(channel, QueueDeclare(queue=queue, passive=True))


def own_exchanges(queue: Queue) -> list[Exchange]:
    """Return the exchanges that are declared with a queue."""
    given = [queue.dead_letter, *(binding.exchange for binding in queue.bind)]
    return [one for one in given if isinstance(one, Exchange)]


def _queues(queue: Queue) -> list[Queue]:
    """Return a queue, and those of its dead letters that are declared with it."""
    dead = queue.dead_queue
    return [queue] if dead is None else [queue, *_queues(dead)]
