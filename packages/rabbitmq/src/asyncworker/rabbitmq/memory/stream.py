"""A stream: messages stay where they are, and each consumer reads them from a place on."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from asyncworker.rabbitmq.memory.arguments import seconds_of
from asyncworker.rabbitmq.memory.clock import now
from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.queue import Queue
from asyncworker.rabbitmq.memory.storage import Entry
from asyncworker.rabbitmq.streams.offset import ARGUMENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asyncworker.rabbitmq.memory.consumer import Consumer
    from asyncworker.rabbitmq.memory.message import Message


@dataclass(eq=False, kw_only=True)
class Stream(Queue):
    """Keep messages until they are too old or too many, whoever has read them.

    A broker on a disk drops whole segments, and so keeps more of them.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._log: deque[tuple[float, Entry]] = deque()
        """What is kept, and when it came."""
        self._end = 0
        """The offset of what is published next."""
        self._bytes = 0
        self._next: dict[Consumer, int] = {}
        """The offset of what each consumer has next."""

    @property
    def depth(self) -> int:
        """Count what is kept."""
        self._expire()
        return len(self._log)

    @property
    def pending(self) -> int:
        """Count what some consumer has not read."""
        return max((self._end - at for at in self._next.values() if at < self._end), default=0)

    def publish(self, message: Message) -> bool:
        """Take a message."""
        self._log.append((now(), Entry(0, self._end, message, None)))
        self._end += 1
        self._bytes += len(message.body)
        self.deliver()
        return True

    def deliver(self) -> None:
        """Do all that is due, and send consumers as much as they have room for."""
        self._expire()
        self._hand_out()
        self._due.set(self._goes_at())

    def get(self) -> Entry | None:
        """Refuse to hand out what stays.

        Raises: Refused
        """
        raise self._unsupported("basic.get")

    def shown(self, entry: Entry) -> Message:
        """Return a message as it is delivered: with its offset among its headers."""
        header = entry.message.header_with({ARGUMENT: entry.position})
        return replace(entry.message, header=header)

    def put_back(self, entries: Iterable[Entry], *, failed: bool) -> None:
        """Do nothing, as nothing was taken: what is rejected counts as read."""

    def discard(self, entry: Entry, reason: str, *, failed: bool = False) -> bool:
        """Do nothing, for the same reason."""
        return False

    def waiting(self) -> list[Message]:
        """Return what is kept, in order."""
        self._expire()
        return [entry.message for _, entry in self._log]

    def purge(self) -> int:
        """Refuse to drop what is kept.

        Raises: Refused
        """
        raise self._unsupported("queue.purge")

    def add(self, consumer: Consumer) -> None:
        """Let a consumer have messages from its place on.

        Raises: Refused
        """
        if not consumer.prefetch:
            raise Refused(406, f"consumer prefetch count is not set for stream {self.subject}")
        begin = self._offset_of(consumer.begin)
        super().add(consumer)
        self._next[consumer] = begin

    def drop(self, consumer: Consumer) -> None:
        """Let a consumer have nothing more."""
        self._next.pop(consumer, None)
        super().drop(consumer)

    def stop(self) -> None:
        """Forget everything, and have nothing due any more."""
        super().stop()
        self._log.clear()
        self._next.clear()

    def _clear(self) -> int:
        return len(self._log)

    def _expire(self) -> None:
        """Forget what is too old, and what is too much."""
        while self._log and (self._is_too_much or self._is_too_old):
            _, entry = self._log.popleft()
            self._bytes -= len(entry.message.body)

    @property
    def _is_too_much(self) -> bool:
        return self.rules.max_bytes is not None and self._bytes > self.rules.max_bytes

    @property
    def _is_too_old(self) -> bool:
        goes_at = self._goes_at()
        return goes_at is not None and goes_at <= now()

    def _goes_at(self) -> float | None:
        """Return when the first message is too old."""
        if self.rules.max_age is None or not self._log:
            return None
        return self._log[0][0] + self.rules.max_age

    def _hand_out(self) -> None:
        for consumer in list(self.consumers):
            while consumer.has_room and (entry := self._from(self._next[consumer])) is not None:
                self._next[consumer] = entry.position + 1
                consumer.deliver(entry)

    def _from(self, offset: int) -> Entry | None:
        """Return the message that stands there, or the first one behind."""
        first = self._end - len(self._log)
        return self._log[max(offset - first, 0)][1] if offset < self._end and self._log else None

    def _offset_of(self, begin: Any) -> int:
        """Return the offset that a consumer begins at.

        Raises: Refused
        """
        first = self._end - len(self._log)
        if isinstance(begin, datetime):
            return self._since(time.time() - begin.timestamp())
        if (seconds := seconds_of(begin)) is not None:
            return self._since(seconds)
        if type(begin) is int and begin >= 0:
            return begin
        named = {None: self._end, "next": self._end, "first": first, "last": max(self._end - 1, 0)}
        if begin not in named:
            raise Refused(406, f"invalid arg '{ARGUMENT}' for {self.subject}: {begin!r}")
        return named[begin]

    def _since(self, seconds: float) -> int:
        """Return the offset of the first message that came no longer ago than that."""
        since = now() - seconds
        return next((entry.position for at, entry in self._log if at >= since), self._end)

    def _unsupported(self, what: str) -> Refused:
        return Refused(540, f"{what} not supported by stream queues {self.subject}")
