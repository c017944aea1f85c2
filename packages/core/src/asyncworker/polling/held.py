"""Held: what was read and is not settled."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any

from asyncworker.handling.cancellation import is_cancelled
from asyncworker.options import Actions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncworker.polling.message import PolledMessage
    from asyncworker.polling.source import Source

    Message = PolledMessage[Any]


class Held:
    """Keep messages until their source was told what became of them.

    most: of them.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._messages: dict[tuple[str, str], Message] = {}
        self._arrived: dict[Message, float] = {}
        """When each came, the first in front."""
        self._decided: dict[Message, Actions] = {}
        self._more = asyncio.Event()
        """Is set when there is something to tell."""
        self._fewer = asyncio.Event()
        """Is set when something was told."""

    def admit(self, messages: Iterable[Message]) -> list[Message]:
        """Keep messages, and return them, but for those that are here already."""
        new = [one for one in messages if (one.name, one.id) not in self._messages]
        self._messages.update({(one.name, one.id): one for one in new})
        self._arrived.update(dict.fromkeys(new, perf_counter()))
        return new

    def decide(self, messages: Iterable[Message], outcome: Actions) -> None:
        """Have the source told what becomes of messages that say nothing themselves."""
        for message in messages:
            message.outcome = message.outcome or outcome
            self._decided[message] = message.outcome
        self._more.set()

    def give_back(self, messages: Iterable[Message]) -> None:
        """Put back messages that no handler was given."""
        self.decide(messages, Actions.REQUEUE)

    @property
    def untold(self) -> int:
        """Return of how many messages the source does not know what becomes of them."""
        return len(self._decided)

    def oldest(self) -> float:
        """Return for how many seconds the oldest is here."""
        now = perf_counter()
        return now - next(iter(self._arrived.values()), now)

    async def room(self) -> int:
        """Return how many may come, as soon as any may."""
        while len(self._messages) >= self._most:
            await self._told()
        return self._most - len(self._messages)

    async def all_told(self) -> None:
        """Wait until the source knows all that was decided."""
        while self._decided:
            await self._told()

    async def tell(self, source: Source) -> None:
        """Tell a source what was decided, and now and then what is still at work."""
        clock, interval = asyncio.get_running_loop().time, source.keep_every
        due = None if interval is None else clock() + interval
        while True:
            self._more.clear()
            await self._tell_decided(source)
            if due is not None and interval is not None and clock() >= due:
                due = clock() + interval
                await source.keep(list(self._messages.values()))
            if is_cancelled():
                return
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._more.wait()

    async def _tell_decided(self, source: Source) -> None:
        """Tell what was decided; what the source does not answer to is told the next one."""
        while self._decided:
            for outcome in Actions:
                messages = [one for one, decided in self._decided.items() if decided is outcome]
                if messages:
                    await source.settle(outcome, messages)
                for message in messages:
                    del self._decided[message], self._arrived[message]
                    del self._messages[message.name, message.id]
            self._fewer.set()

    async def _told(self) -> None:
        self._fewer.clear()
        await self._fewer.wait()
