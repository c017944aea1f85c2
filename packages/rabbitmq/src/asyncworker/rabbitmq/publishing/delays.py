"""Messages that the broker keeps for a while before they go where they are published to."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from aiormq.exceptions import ChannelLockedResource

from asyncworker.backoff import Backoff
from asyncworker.rabbitmq.amqp.methods import QueueDeclare, call, call_all
from asyncworker.rabbitmq.connecting.probe import Probe
from asyncworker.rabbitmq.delaying.delayed import at_present, waiting, way_of
from asyncworker.rabbitmq.delaying.ladder import ladder_of
from asyncworker.rabbitmq.errors import BrokerError, PublishError, Unroutable, broker_errors
from asyncworker.rabbitmq.publishing.refusals import refusals, too_late
from asyncworker.rabbitmq.publishing.single_flight import SingleFlight
from asyncworker.rabbitmq.wire.outgoing import Outgoing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.delaying.ladder import Way

RENEW_AFTER: Final = 60.0
"""Seconds after which what is used on is declared again, as somebody may have deleted it."""


class Direct(Protocol):
    """Publish what has no delay, as `Publisher` does."""

    link: Link

    async def prepare(self, message: Outgoing, deadline: float) -> None:
        """Have the exchange of a message known."""

    async def publish(self, message: Outgoing, timeout: float) -> None:
        """Publish, and wait for the confirm."""

    async def publish_many(
        self, messages: Sequence[Outgoing], timeout: float
    ) -> list[PublishError | None]:
        """Publish all, and return what became of each."""


class Delays:
    """Publish messages into the ladder, declared when it is needed and as far as it is."""

    def __init__(self, publisher: Direct) -> None:
        self._publisher = publisher
        self._probe = Probe(publisher.link)
        self._declaring = SingleFlight()
        self._seen: dict[str, float] = {}
        """When each level and last queue was declared, or a destination was seen to exist, on the
        loop's clock."""

    async def publish(self, message: Outgoing, timeout: float) -> None:
        """Publish a message that has a delay; return when the broker has it.

        timeout: seconds.
        Raises: Unroutable, PublishRejected, PublishTimeout, NotSerializable
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + timeout
        problem = "the broker opened no channel"
        backoff = Backoff()
        while True:
            message = at_present(message)
            if not message.delay:
                return await self._publisher.publish(message, _left(deadline))
            try:
                held = await self._prepared(message, deadline)
            except TimeoutError:
                reason = self._publisher.link.problem or problem
                raise too_late(message, timeout, reason) from None
            except BrokerError as error:
                problem = str(error)
            else:
                try:
                    return await self._publisher.publish(held, _left(deadline))
                except Unroutable as error:
                    # Something was deleted since.
                    problem = str(error)
                    self._seen.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(deadline):
                    await backoff.wait()

    async def publish_many(
        self, messages: Sequence[Outgoing], timeout: float
    ) -> list[PublishError | None]:
        """Publish messages together, of which some have a delay.

        Return for each what `publish()` would raise, or None. timeout: seconds for all of it.
        """
        deadline = asyncio.get_running_loop().time() + timeout
        prepared = [
            await self._prepared_or_not(message, deadline) if message.delay else message
            for message in messages
        ]
        together = [one for one in prepared if isinstance(one, Outgoing)]
        answers = iter(await self._publisher.publish_many(together, _left(deadline)))
        outcomes = [next(answers) if isinstance(one, Outgoing) else one for one in prepared]
        again = [
            place
            for place, message in enumerate(messages)
            if prepared[place] is None or (message.delay and _is_lost(prepared, outcomes, place))
        ]
        if again:
            self._seen.clear()
        async with asyncio.TaskGroup() as group:
            tasks = {
                place: group.create_task(self._outcome(messages[place], _left(deadline)))
                for place in again
            }
        return [
            tasks[place].result() if place in tasks else outcome
            for place, outcome in enumerate(outcomes)
        ]

    async def _outcome(self, message: Outgoing, timeout: float) -> PublishError | None:
        try:
            await self.publish(message, timeout)
        except PublishError as error:
            return error
        return None

    async def _prepared_or_not(
        self, message: Outgoing, deadline: float
    ) -> Outgoing | PublishError | None:
        """Return a message as it waits, or why it cannot; None if that cannot be told now."""
        try:
            present = at_present(message)
            return await self._prepared(present, deadline) if present.delay else present
        except PublishError as error:
            return error
        except (BrokerError, TimeoutError):
            return None

    async def _prepared(self, message: Outgoing, deadline: float) -> Outgoing:
        """Return a message as it waits; have the ladder there, and see that it leads somewhere.

        Raises: Unroutable, PublishRejected, BrokerError, TimeoutError
        """
        way = way_of(message)
        async with asyncio.timeout_at(deadline):
            await self._publisher.prepare(message, deadline)
            with refusals(message):
                if message.mandatory and way.queue and not self._is_fresh(way.queue):
                    await self._expect(way.queue)
                await self._declaring.until(
                    lambda: self._is_fresh(way.out) and self._is_fresh(way.entrance),
                    lambda: self._declare(way),
                )
        return waiting(message, way)

    async def _expect(self, queue: str) -> None:
        """Accept a queue that exists."""
        try:
            async with self._probe.channel() as channel:
                with broker_errors():
                    await call(channel.underlay, QueueDeclare(queue=queue, passive=True))
        except BrokerError as error:
            # One that is another connection's alone can be published to all the same.
            if not isinstance(error.__cause__, ChannelLockedResource):
                raise
        self._note(queue)

    async def _declare(self, way: Way) -> None:
        async with self._probe.channel() as channel:
            with broker_errors():
                await call_all(channel.underlay, ladder_of(way))
        self._note(way.out, *way.levels)

    def _note(self, *names: str) -> None:
        now = asyncio.get_running_loop().time()
        self._seen = {name: at for name, at in self._seen.items() if now - at < RENEW_AFTER}
        self._seen |= dict.fromkeys(names, now)

    def _is_fresh(self, name: str) -> bool:
        now = asyncio.get_running_loop().time()
        return name in self._seen and now - self._seen[name] < RENEW_AFTER


def _left(deadline: float) -> float:
    """Return for how long something may go on that must be given some time."""
    return max(0.001, deadline - asyncio.get_running_loop().time())


def _is_lost(
    prepared: Sequence[object], outcomes: Sequence[PublishError | None], place: int
) -> bool:
    """Tell whether the broker did not find what was declared."""
    return isinstance(prepared[place], Outgoing) and isinstance(outcomes[place], Unroutable)
