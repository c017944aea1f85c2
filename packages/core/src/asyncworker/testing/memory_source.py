"""MemorySource: what a route reads in a test, and what becomes of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from asyncworker.options import Actions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from asyncworker.polling import PolledMessage

    Message = PolledMessage[Any]

MOMENT: Final = 0.02
"""Seconds that a source waits for a message before it says that there is none."""


@dataclass(slots=True, eq=False)
class Place:
    """Hold the messages of one name, for those routes that share them.

    put_back: what comes again when time passes. out: what was read and is not settled.
    is_read: whether anybody reads it. twice: whether what is acknowledged comes once more.
    changed: is called at each change.
    """

    changed: Callable[[], None]
    waiting: list[Message] = field(default_factory=list)
    put_back: list[Message] = field(default_factory=list)
    out: dict[int, Message] = field(default_factory=dict)
    is_read: bool = False
    twice: bool = False

    def add(self, messages: Sequence[Message]) -> None:
        """Have messages read."""
        self.waiting += messages
        self.changed()

    def take(self, most: int) -> list[Message]:
        """Hand out messages."""
        taken, self.waiting = self.waiting[:most], self.waiting[most:]
        self.out.update({id(one): one for one in taken})
        return taken

    def settle(self, message: Message, outcome: Actions) -> None:
        """Note what becomes of a message, unless it was lost meanwhile."""
        if self.out.pop(id(message), None) is not None:
            if outcome is Actions.REQUEUE:
                self.put_back.append(_again(message))
            elif outcome is Actions.ACK and self.twice and not message.redelivered:
                self.waiting.append(_again(message))
        self.changed()

    def lose(self) -> None:
        """Have all come again that is out, as of a process that is gone."""
        self.is_read = False
        self.waiting = [*map(_again, self.out.values()), *self.waiting]
        self.out.clear()

    def pass_time(self) -> None:
        """Have all come again that was put back."""
        self.waiting = [*self.put_back, *self.waiting]
        self.put_back.clear()
        self.changed()


class MemorySource:
    """Read places, by their names.

    came: is set when there may be more to read. messages: takes all that is read.
    """

    keep_every: float | None = None

    def __init__(
        self, places: Mapping[str, Place], came: asyncio.Event, messages: list[Message]
    ) -> None:
        self._places = places
        self._came = came
        self._messages = messages

    async def read(self, count: int) -> list[Message]:
        """Return messages as soon as there are any, or none in a moment."""
        if not (taken := self._take(count)):
            self._came.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(MOMENT):
                    await self._came.wait()
            taken = self._take(count)
        return taken

    async def settle(self, outcome: Actions, messages: Sequence[Message]) -> None:
        """Note what becomes of messages."""
        for message in messages:
            self._places[message.name].settle(message, outcome)

    async def keep(self, messages: Sequence[Message]) -> None:
        """Do nothing: nobody else is given them."""

    def _take(self, count: int) -> list[Message]:
        taken: list[Message] = []
        for place in self._places.values():
            if place.is_read:
                taken += place.take(count - len(taken))
        self._messages += taken
        return taken


def _again(message: Message) -> Message:
    """Return a message as it comes once more."""
    return type(message)(
        name=message.name,
        id=message.id,
        raw_body=message.raw_body,
        headers=message.headers,
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        redelivered=True,
    )
