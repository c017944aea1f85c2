"""A lock: a queue that belongs to the connection of whoever holds it."""

from __future__ import annotations

import asyncio
import math
import random
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final

from aiormq.exceptions import ChannelLockedResource

from asyncworker.backoff import Backoff
from asyncworker.once import UNDECIDED
from asyncworker.rabbitmq.amqp.methods import QueueDeclare, QueueDelete, call, cancel, consume
from asyncworker.rabbitmq.connecting.link import CLOSE_TIMEOUT
from asyncworker.rabbitmq.errors import BrokerError, broker_errors, reason_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiormq.abc import AbstractChannel, DeliveredMessage

    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.wire.message_channel import MessageChannel

PREFIX: Final = "asyncworker.once."
LONGEST_NAME: Final = 255 - len(PREFIX)
"""Bytes in the name of a lock: its queue has one of 255 (AMQP 0-9-1, 4.2.5.3)."""
LOOK_EVERY: Final = 2.0
"""Seconds between two looks at whether the lock is free, less a random part."""
SPREAD: Final = 0.75
"""The least part of it, lest all look at once."""
TRUSTED: Final = 1.5
"""Heartbeats for which an answer of the broker is good. It gives up a client that is silent for two
of them at the earliest, and another one may have the lock then."""
ASKED: Final = 0.5
"""Heartbeats between two questions."""


class QueueLock:
    """Declare an exclusive queue, which the broker deletes with the connection.

    queue: its name. link: that of all locks of a connection. is_taken: tells, without harm to
    anything, whether somebody seems to hold a lock whose queue is of that name.
    """

    def __init__(self, queue: str, link: Link, is_taken: Callable[[str], Awaitable[bool]]) -> None:
        self.queue = queue
        self.problem: str | None = UNDECIDED
        self.turned = asyncio.Event()
        self._link = link
        self._is_taken = is_taken
        self._channel: MessageChannel | None = None
        """The one that tells of the end of the queue, as long as the lock is held."""
        self._until = 0.0
        self._backoff = Backoff()
        self._is_ending = False
        self._gone: asyncio.Future[str] | None = None
        """Is done when the lock is lost or given up, with the reason."""
        self._following: asyncio.Task[None] | None = None

    @property
    def held(self) -> bool:
        """Tell whether it is held: the connection is there, and the broker said so of late."""
        return (
            self._channel is not None
            and not self._channel.is_lost
            and asyncio.get_running_loop().time() < self._until
        )

    def open(self) -> None:
        """Strive for it from now on."""
        loop = asyncio.get_running_loop()
        self._link.on_problem.append(self._on_problem)
        self._following = loop.create_task(self._follow(), context=Context())
        self._following.add_done_callback(self._on_end)

    async def close(self) -> None:
        """Give it up."""
        self._is_ending = True
        self._link.on_problem.remove(self._on_problem)
        following = self._following
        if following is not None:
            if self._channel is not None and self._gone is not None:
                _resolve(self._gone, "given up")
                await asyncio.wait([following], timeout=2 * CLOSE_TIMEOUT)
            following.cancel()
            await asyncio.wait([following])
            if not following.cancelled():
                following.result()

    async def _follow(self) -> None:
        while not self._is_ending:
            try:
                async with self._link.channel() as channel:
                    await self._hold(channel)
            except BrokerError as error:
                if isinstance(error.__cause__, ChannelLockedResource):
                    await self._wait_for_another()
                else:
                    self._turn(str(error))
                    await self._backoff.wait()

    async def _wait_for_another(self) -> None:
        """Wait until nobody seems to hold it any more."""
        self._backoff.reset()
        self._turn(None)
        is_taken = True
        while is_taken:
            await asyncio.sleep(LOOK_EVERY * random.uniform(SPREAD, 1.0))  # noqa: S311 (no secret)
            # Declaring the queue would tell as well, but each refusal is an error in the log of the
            # broker.
            is_taken = await self._is_taken(self.queue)

    async def _hold(self, channel: MessageChannel) -> None:
        """Take the lock, and return when it is given up.

        Raises: BrokerError, when another has it or it is lost.
        """
        loop = asyncio.get_running_loop()
        self._gone = gone = loop.create_future()
        underlay = channel.underlay
        underlay.closing.add_done_callback(lambda closing: _resolve(gone, _end_of(closing)))
        underlay.on_consumer_cancel_callbacks.add(lambda _: _resolve(gone, "its queue was deleted"))
        heartbeat = self._heartbeat_of(underlay)
        asked_at = loop.time()
        with broker_errors():
            await call(underlay, self._declaration(passive=False))
            await consume(underlay, self.queue, _ignore, no_ack=True)
        self._backoff.reset()
        try:
            while not gone.done():
                self._until = asked_at + TRUSTED * heartbeat if heartbeat else math.inf
                self._channel = channel
                self._turn(None)
                await asyncio.wait([gone], timeout=ASKED * heartbeat if heartbeat else None)
                if not gone.done():
                    asked_at = loop.time()
                    await self._ask(underlay, asked_at + heartbeat)
            reason = gone.result()
        except BrokerError as error:
            reason = str(error)
        finally:
            self._channel = None
        # Before the channel is closed, which may take long.
        self._turn(reason)
        if not self._is_ending:
            raise BrokerError(reason)
        await self._delete(underlay)

    async def _ask(self, underlay: AbstractChannel, deadline: float) -> None:
        """Have the broker say that the lock is held.

        Raises: BrokerError
        """
        try:
            async with asyncio.timeout_at(deadline):
                with broker_errors():
                    await call(underlay, self._declaration(passive=True))
        except TimeoutError:
            raise BrokerError("the broker does not answer") from None

    async def _delete(self, underlay: AbstractChannel) -> None:
        # Where that fails, it is gone with the connection, or will be.
        with suppress(BrokerError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                with broker_errors():
                    # Or the broker would tell of the end of the queue.
                    await cancel(underlay, self.queue)
                    await call(underlay, QueueDelete(queue=self.queue))

    def _declaration(self, *, passive: bool) -> QueueDeclare:
        return QueueDeclare(
            queue=self.queue,
            passive=passive,
            exclusive=True,
            # Whatever the vhost makes of queues that do not say.
            arguments={"x-queue-type": "classic"},
        )

    def _heartbeat_of(self, underlay: AbstractChannel) -> int:
        return int(underlay.connection.connection_tune.heartbeat or 0)

    def _on_end(self, following: asyncio.Task[None]) -> None:
        """Show what should not be: whoever gives the lock up is told then."""
        if not following.cancelled() and (error := following.exception()) is not None:
            self._turn(repr(error))

    def _on_problem(self, problem: str) -> None:
        """Note why there is no connection."""
        if not self.held:
            self._turn(problem)

    def _turn(self, problem: str | None) -> None:
        self.problem = problem
        turned, self.turned = self.turned, asyncio.Event()
        turned.set()


def queue_of(name: str) -> str:
    """Return the queue by which one process does something `once`."""
    return PREFIX + name


def _resolve(gone: asyncio.Future[str], reason: str) -> None:
    if not gone.done():
        gone.set_result(reason)


def _end_of(closing: asyncio.Future[Any]) -> str:
    error = None if closing.cancelled() else closing.exception()
    # Of a connection that breaks off, the library says nothing.
    return reason_of(error) if error is not None and error.args else "the connection was lost"


async def _ignore(delivered: DeliveredMessage) -> None:
    """Have nothing to do with who asks whether the lock is held."""
