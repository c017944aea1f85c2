"""One AMQP connection to one vhost, opened when wanted, and again when lost."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final, TypeVar

from asyncworker.backoff import Backoff
from asyncworker.rabbitmq.connecting.fast_path import channel_of, connection_class
from asyncworker.rabbitmq.errors import BrokerError, broker_errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from aio_pika import Connection
    from aiormq.abc import AbstractChannel, AbstractConnection

    from asyncworker.rabbitmq.connecting.broker import Broker
    from asyncworker.rabbitmq.wire.message_channel import MessageChannel

T = TypeVar("T")

log = logging.getLogger(__name__)

CLOSE_TIMEOUT: Final = 2.0
"""Seconds that a broker has to answer a close."""
REMIND_AFTER: Final = 60.0
"""Seconds after which a failure that goes on is logged again."""
LOOK_EVERY: Final = 0.5
"""Seconds between two looks at whether the broker is silent."""
MAX_CHANNELS: Final = 65_535
"""Channels of a connection where the broker sets no limit (AMQP 0-9-1, 1.4.2.6)."""


def _nobody(_: str | None) -> None:
    """Stand where nobody wants to know of the connection."""


class Link:
    """Share one connection between the channels of a vhost, on one event loop.

    `problem` is why there is no connection now, or None.

    tell: is told when the connection is open, by None, and when it is lost, by the reason.
    """

    def __init__(
        self, broker: Broker, vhost: str, tell: Callable[[str | None], None] = _nobody
    ) -> None:
        self.vhost = vhost
        self.problem: str | None = None
        self.on_problem: list[Callable[[str], None]] = []
        """Called each time that there is a problem, with what it is."""
        self._broker = broker
        self._tell = tell
        self._connection_class = connection_class(in_memory=broker.in_memory)
        self._backoff = Backoff()
        self._opening = asyncio.Lock()
        self._connection: Connection | None = None
        self._watching: asyncio.Task[None] | None = None
        self._discarded: set[asyncio.Task[None]] = set()
        self._last_number = 0
        self._logged_at = 0.0

    @asynccontextmanager
    async def channel(self, *, confirms: bool = False) -> AsyncIterator[MessageChannel]:
        """Offer a channel, waiting for the broker as long as it takes.

        Raises: BrokerError, when the connection is lost meanwhile.
        """
        channel = await self.open_channel(confirms=confirms)
        try:
            yield channel
        finally:
            # Not cancelled when that takes long: the library would close it a second time, at which
            # the broker ends the connection.
            await asyncio.wait([self._ended(channel)], timeout=CLOSE_TIMEOUT)

    async def open_channel(self, *, confirms: bool) -> MessageChannel:
        """Return a channel that the caller closes, or that ends with the connection.

        Raises: BrokerError, when the connection is lost meanwhile.
        """
        return await _in_empty_context(self._open_channel(confirms=confirms))

    def discard(self, channel: MessageChannel) -> None:
        """Close a channel, if it is open; do not wait for it."""
        if not channel.is_lost:
            self._ended(channel)

    def _ended(self, channel: MessageChannel) -> asyncio.Task[None]:
        loop = asyncio.get_running_loop()
        task = loop.create_task(_end_channel(channel.underlay), context=Context())
        self._discarded.add(task)
        task.add_done_callback(self._discarded.discard)
        return task

    async def connect(self) -> None:
        """Connect now.

        Raises: BrokerError, in one line.
        """
        await _in_empty_context(self._connect())

    async def _open_channel(self, *, confirms: bool) -> MessageChannel:
        connection = await self._connected()
        if connection.transport is None:
            raise BrokerError("the connection was lost")
        transport = connection.transport.connection
        number = self._next_number(transport)
        with broker_errors():
            underlay = await transport.channel(
                number, publisher_confirms=confirms, on_return_raises=confirms
            )
        return channel_of(connection, underlay)

    def _next_number(self, connection: AbstractConnection) -> int:
        """Return the number of a new channel, the one that is free for longest.

        What the broker has still to say to a closed channel would be said to a new one of the same
        number. Left to choose, the library does that, or goes beyond what the broker accepts.

        Raises: BrokerError
        """
        most = connection.connection_tune.channel_max or MAX_CHANNELS
        for _ in range(most):
            self._last_number = self._last_number % most + 1
            if self._last_number not in connection.channels:
                return self._last_number
        raise BrokerError(
            f"all {most} channels that the broker lets a connection have are in use: "
            "raise channel_max in its rabbitmq.conf"
        )

    async def _connect(self) -> None:
        connection = await self._broker.connect(self.vhost, self._connection_class)
        self._connection = connection
        if self._broker.heartbeat and connection.transport is not None:
            watching = _watch(connection.transport.connection)
            self._watching = asyncio.get_running_loop().create_task(watching)

    async def reach(self) -> None:
        """Connect now, and say so.

        Raises: BrokerError, in one line.
        """
        await self.connect()
        self.problem = None
        self._backoff.reset()
        self._tell(None)
        log.info("connected to %s, vhost %r", self._broker, self.vhost)

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[Link]:
        """Offer a connection that may end without harm to what uses this one.

        Raises: BrokerError
        """
        link = Link(self._broker, self.vhost)
        try:
            await link.connect()
            yield link
        finally:
            await link.close()

    async def close(self) -> None:
        """Close the connection, if there is one, within `CLOSE_TIMEOUT`."""
        connection, self._connection = self._connection, None
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait([self._watching])
        if connection is not None:
            if not self._broker.heartbeat:
                await _hear_from(connection)
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    with broker_errors():
                        await connection.close()
            except BrokerError:
                # It is gone: nothing is left to close.
                pass
            except TimeoutError:
                log.warning("%s did not answer the close of vhost %r", self._broker, self.vhost)
        if self._discarded:
            # Nothing is left to close: a broker that did not answer would not answer them either.
            for task in self._discarded:
                task.cancel()
            await asyncio.wait(self._discarded)

    async def _connected(self) -> Connection:
        async with self._opening:
            if self._connection is not None and not self._connection.connected.is_set():
                self._connection = None
                self._tell("the connection was lost")
            while self._connection is None or not self._connection.connected.is_set():
                try:
                    await self.reach()
                except BrokerError as error:
                    self._report(str(error))
                    await self._backoff.wait()
            return self._connection

    def _report(self, problem: str) -> None:
        now = asyncio.get_running_loop().time()
        if problem != self.problem or now - self._logged_at > REMIND_AFTER:
            log.error("%s; trying again", problem)
            self._logged_at = now
        self.problem = problem
        for callback in self.on_problem:
            callback(problem)


async def _watch(connection: AbstractConnection) -> None:
    """Close a connection whose broker has been silent for 3 * (heartbeat + 1) seconds.

    The library does so too, but looks only once in half a heartbeat.
    """
    watched: Any = connection
    while not watched.is_closed:
        await asyncio.sleep(LOOK_EVERY)
        if watched.is_connection_was_stuck:
            await watched.close(ConnectionAbortedError("the broker is silent"))


async def _hear_from(connection: Connection) -> None:
    """Have the broker say something, if it is there.

    Where no heartbeat is wanted, the library takes a broker that said nothing for three seconds for
    lost: it would not tell it of the end, and log a traceback.
    """
    if connection.transport is None:
        return
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            with broker_errors():
                await connection.transport.connection.channel(publisher_confirms=False)
    except (BrokerError, TimeoutError):
        # It is lost indeed.
        pass


async def _end_channel(channel: AbstractChannel) -> None:
    # Where that fails, it is gone with its connection, or will be: nothing is left to close.
    with suppress(BrokerError), broker_errors():
        await channel.close()


async def _in_empty_context(work: Coroutine[Any, Any, T]) -> T:
    """Do work in an empty context, as what it leaves running must keep nothing of a handler's.

    Whoever publishes first opens what all use after.
    """
    return await asyncio.get_running_loop().create_task(work, context=Context())
