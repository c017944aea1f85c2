"""The part of a route's shards that this process has."""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, Protocol

from asyncworker.plural import counted
from asyncworker.rabbitmq.errors import BrokerError
from asyncworker.rabbitmq.locking.locks import Locks
from asyncworker.rabbitmq.sharing.hold import Hold
from asyncworker.rabbitmq.sharing.members import Members

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from asyncworker.rabbitmq.connecting.link import Link
    from asyncworker.rabbitmq.route import AMQPRoute
    from asyncworker.rabbitmq.shards import Shards
    from asyncworker.rabbitmq.standing import Standing

log = logging.getLogger(__name__)

LEAVE_TIMEOUT: Final = 10.0
"""Seconds that the broker has at the end to take in what was here; then the channel is closed."""
LOOK_EVERY: Final = 1.0
"""Seconds between two looks at how many processes there are, less a random part."""
SPREAD: Final = 0.75
"""The least part of it, lest all look at once."""
ELSEWHERE: Final = "another process has it"


class Holder(Protocol):
    """Consume what is held here."""

    def end(self, queue: str) -> None:
        """Have nothing more of a queue handed out, as the run ends."""
        ...

    def lost(self, reason: str) -> None:
        """Leave all at once, as another process may have a queue already."""
        ...

    async def left(self, queue: str) -> None:
        """Return when nothing of a queue is here that may be with another process next."""
        ...


class Share:
    """Have a part of the shards, and hand over as processes come and go.

    Of n shards and r processes, each has n // r, and n % r of them have one more: there are so many
    locks for that. Whoever has fewer takes those that are free; whoever has more gives some up. A
    shard is free when all that was delivered of it is settled or back at the broker, so that the
    next process begins where the last one ended.

    holder: does what has to be done before a shard is free.
    """

    def __init__(
        self,
        route: AMQPRoute,
        shards: Shards,
        link: Link,
        standing: Standing,
        holder: Holder,
    ) -> None:
        self.counted: Sequence[str] = (shards.members_queue,)
        """The queue whose consumers are the processes that share."""
        self._route = route
        self._shards = shards
        self._standing = standing
        self._holder = holder
        self._members = Members(shards.members_queue, link)
        self._locks = Locks(
            lambda: route.connection.link(route.vhost),
            lambda: route.connection.publisher(route.vhost),
        )
        self._holds: dict[str, Hold] = {}
        """Those of shards, by their queue; also of those that are given up and not left yet."""
        self._more: Hold | None = None
        """That by which it may have one more than others."""
        self._keepers: set[asyncio.Task[None]] = set()
        self._turned = asyncio.Event()
        self._shown: tuple[list[int], int] | None = None
        self._is_stopped = False

    @property
    def queues(self) -> list[str]:
        """Return the shards that it has, those that it has for longest in front."""
        return [queue for queue, hold in self._holds.items() if hold.is_wanted]

    async def holding(self, queue: str) -> None:
        """Wait until it has a shard."""
        while queue not in self.queues:
            await self._turned.wait()

    def stop(self) -> None:
        """Take no shard more, and give up all."""
        self._is_stopped = True
        self._members.leave()
        for queue in self.queues:
            self._holds[queue].give_up()
            self._holder.end(queue)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have a part while the context lasts; as it is left, all was given up and is free."""
        try:
            async with asyncio.TaskGroup() as group:
                looking = group.create_task(self._keep_looking(group))
                yield
                looking.cancel()
                self.stop()
                if self._keepers:
                    await asyncio.wait(self._keepers, timeout=LEAVE_TIMEOUT)
                for keeper in self._keepers:
                    keeper.cancel()
        finally:
            self._members.leave()
            if self._more is not None:
                await self._more.release()

    async def _keep_looking(self, group: asyncio.TaskGroup) -> None:
        while not self._is_stopped:
            turned = self._turned
            try:
                await self._look(group)
                self._standing.shares(self._shards.name)
            except* BrokerError as errors:
                self._standing.cannot_share(self._shards.name, _first(errors))
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY * random.uniform(SPREAD, 1.0)):  # noqa: S311
                    await turned.wait()

    async def _look(self, group: asyncio.TaskGroup) -> None:
        """Give up what is too much, and take what is missing.

        Raises: BrokerError, also in a group
        """
        processes = await self._members.count()
        each, more = divmod(self._shards.count, processes)
        await self._mind_more(each, more)
        part = each + (self._more is not None)
        for queue in self.queues[part:]:
            self._holds[queue].give_up()
        await self._take(part, group)
        self._show(processes)

    async def _mind_more(self, each: int, more: int) -> None:
        """Take one of the locks by which so many processes have one more, or leave it."""
        if self._more is not None and not (self._more.is_kept and self._more.number < more):
            hold, self._more = self._more, None
            await hold.release()
        if self._more is None and len(self.queues) >= each:
            for number in _shuffled(range(more)):
                self._more = await Hold.taken(number, self._locks, self._shards.more_queue(number))
                if self._more is not None:
                    return

    async def _take(self, part: int, group: asyncio.TaskGroup) -> None:
        """Take shards that are free, as long as there are fewer here than that."""
        names = [queue.name for queue in self._shards.queues]
        free = _shuffled([one for one in range(len(names)) if names[one] not in self._holds])
        while free and (room := part - len(self._holds)) > 0:
            async with asyncio.TaskGroup() as tries:
                for number in free[:room]:
                    tries.create_task(self._try(number, names[number], group))
            free = free[room:]

    async def _try(self, number: int, queue: str, group: asyncio.TaskGroup) -> None:
        hold = await Hold.taken(number, self._locks, self._shards.lock_queue(number))
        if hold is not None:
            self._holds[queue] = hold
            if self._is_stopped:
                hold.give_up()
            keeper = group.create_task(self._keep(queue, hold))
            self._keepers.add(keeper)
            keeper.add_done_callback(self._keepers.discard)
            self._turn()

    async def _keep(self, queue: str, hold: Hold) -> None:
        """Have a shard until it is lost or given up, and leave it to others when nothing is here.

        When it was lost, others may have it already: the broker lets none of them be active before
        this process's consumer is gone.
        """
        try:
            if await hold.ended():
                self._holder.lost(f"lock {self._shards.lock_queue(hold.number)!r} is lost")
            await self._holder.left(queue)
        finally:
            await hold.release()
            del self._holds[queue]
            self._turn()

    def _show(self, processes: int) -> None:
        for queue in self._route.routes:
            if queue not in self._holds:
                self._standing.stands_by(queue, ELSEWHERE)
        numbers = sorted(self._holds[queue].number for queue in self.queues)
        if self._shown != (numbers, processes) and not self._is_stopped:
            self._shown = numbers, processes
            log.info(
                "handler %s: %s of %d of %r, as one of %s",
                self._route.handler_name,
                _listed(numbers),
                self._shards.count,
                self._shards.name,
                counted(processes, "process", "processes"),
            )

    def _turn(self) -> None:
        turned, self._turned = self._turned, asyncio.Event()
        turned.set()


def _listed(numbers: list[int]) -> str:
    if not numbers:
        return "no shard"
    return f"shard{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def _shuffled(numbers: range | list[int]) -> list[int]:
    """Return numbers in another order than other processes have them, lest all try the same."""
    return random.sample(numbers, len(numbers))


def _first(errors: BaseExceptionGroup[BrokerError]) -> str:
    """Return the reason of one of several that failed together."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)
