"""One AMQP connection to one vhost, opened when wanted, and again when lost."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from asyncworker.backoff import Backoff
from asyncworker.rabbitmq.errors import BrokerError, broker_errors
from asyncworker.rabbitmq.paths import carrier_of, connection_class
from asyncworker.rabbitmq.watch import watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aio_pika import Connection
    from aiormq.abc import AbstractChannel

    from asyncworker.rabbitmq.broker import Broker
    from asyncworker.rabbitmq.carrier import Carrier

log = logging.getLogger(__name__)

CLOSE_TIMEOUT: Final = 2.0
"""Seconds that a broker has to answer a close."""
REMIND_AFTER: Final = 60.0
"""Seconds after which a failure that goes on is logged again."""


class Link:
    """Share one connection between the channels of a vhost, on one event loop.

    `problem` is why there is no connection now, or None.
    """

    def __init__(self, broker: Broker, vhost: str) -> None:
        self.vhost = vhost
        self.problem: str | None = None
        self.on_problem: list[Callable[[str], None]] = []
        """What is told each time that there is a problem, and why."""
        self._broker = broker
        self._connection_class = connection_class(in_memory=broker.in_memory)
        self._backoff = Backoff()
        self._opening = asyncio.Lock()
        self._connection: Connection | None = None
        self._watching: asyncio.Task[None] | None = None
        self._logged_at = 0.0

    @asynccontextmanager
    async def channel(self, *, confirms: bool = False) -> AsyncIterator[Carrier]:
        """Offer a channel, waiting for the broker as long as it takes.

        Raises: BrokerError, when the connection is lost meanwhile.
        """
        channel = await self.open_channel(confirms=confirms)
        try:
            yield channel
        finally:
            await _close_channel(channel.underlay)

    async def open_channel(self, *, confirms: bool) -> Carrier:
        """Return a channel that the caller closes, or that ends with the connection.

        Raises: BrokerError, when the connection is lost meanwhile.
        """
        connection = await self._connected()
        if connection.transport is None:
            raise BrokerError("the connection was lost")
        with broker_errors():
            underlay = await connection.transport.connection.channel(
                publisher_confirms=confirms, on_return_raises=confirms
            )
        return carrier_of(connection, underlay)

    async def connect(self) -> None:
        """Connect now.

        Raises: BrokerError, in one line.
        """
        connection = await self._broker.connect(self.vhost, self._connection_class)
        self._connection = connection
        self._watch(connection)

    async def reach(self) -> None:
        """Connect now, and say so.

        Raises: BrokerError, in one line.
        """
        await self.connect()
        self.problem = None
        self._backoff.reset()
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
                    await connection.close()
            except TimeoutError:
                log.warning("%s did not answer the close of vhost %r", self._broker, self.vhost)

    async def _connected(self) -> Connection:
        async with self._opening:
            while self._connection is None or not self._connection.connected.is_set():
                await self._try_to_connect()
            return self._connection

    async def _try_to_connect(self) -> None:
        try:
            await self.reach()
        except BrokerError as error:
            self._report(str(error))
            await self._backoff.wait()

    def _watch(self, connection: Connection) -> None:
        if self._broker.heartbeat and connection.transport is not None:
            loop = asyncio.get_running_loop()
            self._watching = loop.create_task(watch(connection.transport.connection))

    def _report(self, problem: str) -> None:
        now = asyncio.get_running_loop().time()
        if problem != self.problem or now - self._logged_at > REMIND_AFTER:
            log.error("%s; trying again", problem)
            self._logged_at = now
        self.problem = problem
        for tell in self.on_problem:
            tell(problem)


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


async def _close_channel(channel: AbstractChannel) -> None:
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            with broker_errors():
                await channel.close()
    except (BrokerError, TimeoutError):
        # It is gone with its connection, or will be: nothing is left to close.
        pass
