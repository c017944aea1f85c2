"""A queue: messages in order, its consumers, what happens to what is too old or too much."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from asyncworker.rabbitmq.memory.alarm import Alarm, now
from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.message import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from asyncworker.rabbitmq.memory.arguments import Rules
    from asyncworker.rabbitmq.memory.consumer import Consumer
    from asyncworker.rabbitmq.memory.message import Message


class Queue:
    """Hold messages, and hand them out to consumers in turn.

    owner: the connection that it is exclusive to, or None. dead_letter: takes what is dropped, and
    why. remove: ends the queue, when nobody has used it for long enough or will any more.
    """

    def __init__(
        self,
        name: str,
        *,
        durable: bool,
        auto_delete: bool,
        owner: Any,
        arguments: Mapping[str, Any],
        rules: Rules,
        dead_letter: Callable[[Queue, Message, str], bool],
        remove: Callable[[Queue], object],
    ) -> None:
        self.name = name
        self.durable = durable
        self.auto_delete = auto_delete
        self.owner = owner
        self.arguments = arguments
        self.rules = rules
        self.consumers: deque[Consumer] = deque()
        self.is_deleted = False
        self._dead_letter = dead_letter
        self._remove = remove
        self._ready: list[Entry] = []
        self._bytes = 0
        self._position = 0
        self._expiry = Alarm(self._run)
        self._disuse = Alarm(lambda: self._remove(self))
        self.use()

    @property
    def depth(self) -> int:
        """Count what waits to be delivered."""
        self._expire()
        return len(self._ready)

    def use(self) -> None:
        """Start the time anew after which a queue that nobody uses is deleted."""
        if self.rules.expires is not None:
            self._disuse.set(None if self.consumers else now() + self.rules.expires)

    def publish(self, message: Message) -> bool:
        """Take a message; return whether there was room for it."""
        self._expire()
        if self.rules.overflow != "drop-head" and self._is_full(1, len(message.body)):
            if self.rules.overflow == "reject-publish-dlx":
                self._dead_letter(self, message, "maxlen")
            return False
        self._position += 1
        self._push(Entry(self._position, message, self._expiry_of(message)))
        self._hand_out()
        self._run()
        return True

    def put_back(self, entries: Iterable[Entry]) -> None:
        """Take messages that were delivered, each to where it was."""
        if self.is_deleted:
            return
        for entry in entries:
            entry.redelivered = True
            self._push(entry)
        self._run()

    def get(self) -> Entry | None:
        """Return the first message, or None."""
        self._expire()
        return self._pop() if self._ready else None

    def discard(self, entry: Entry, reason: str) -> bool:
        """Drop a message, or send it where the queue sends dead letters; return whether it was."""
        return not self.is_deleted and self._dead_letter(self, entry.message, reason)

    def waiting(self) -> list[Message]:
        """Return what waits, in order."""
        self._expire()
        return [entry.message for entry in sorted(self._ready)]

    def later(self) -> None:
        """Mind that the time was turned forward."""
        self._disuse.again()
        self._run()

    def purge(self) -> int:
        """Drop what waits, and return how much that was."""
        count = self.depth
        self._ready.clear()
        self._bytes = 0
        return count

    def add(self, consumer: Consumer, subject: str) -> None:
        """Let a consumer have messages.

        Raises: Refused
        """
        if self.consumers and (consumer.exclusive or self.consumers[0].exclusive):
            raise Refused(403, f"{subject} in exclusive use")
        self.consumers.append(consumer)
        self.use()

    def drop(self, consumer: Consumer) -> None:
        """Let a consumer have nothing more."""
        if consumer in self.consumers and not self.is_deleted:
            self.consumers.remove(consumer)
            self.use()
            if self.auto_delete and not self.consumers:
                self._remove(self)

    def deliver(self) -> None:
        """Hand out as much as consumers have room for."""
        self._run()

    def delete(self) -> int:
        """End; return how many messages are lost with it."""
        count = 0 if self.is_deleted else self.purge()
        self.stop()
        consumers, self.consumers = self.consumers, deque()
        for consumer in consumers:
            consumer.cancel()
        return count

    def stop(self) -> None:
        """Forget everything, and have nothing due any more; no loop need run."""
        self.is_deleted = True
        self._ready.clear()
        self._expiry.set(None)
        self._disuse.set(None)

    def _run(self) -> None:
        """Do all that is due."""
        self._expire()
        self._hand_out()
        while self.rules.overflow == "drop-head" and self._is_full(0, 0):
            self.discard(self._pop(), "maxlen")
        self._expiry.set(self._ready[0].expires_at if self._ready else None)

    def _expire(self) -> None:
        """Drop what is too old. Only the first message is looked at, as RabbitMQ does."""
        while self._ready and (at := self._ready[0].expires_at) is not None and at <= now():
            self.discard(self._pop(), "expired")

    def _hand_out(self) -> None:
        while self._ready and (consumer := self._consumer_with_room()) is not None:
            consumer.deliver(self._pop())

    def _consumer_with_room(self) -> Consumer | None:
        for _ in range(len(self.consumers)):
            consumer = self.consumers[0]
            self.consumers.rotate(-1)
            if consumer.has_room:
                return consumer
        return None

    def _push(self, entry: Entry) -> None:
        heappush(self._ready, entry)
        self._bytes += len(entry.message.body)

    def _pop(self) -> Entry:
        entry = heappop(self._ready)
        self._bytes -= len(entry.message.body)
        return entry

    def _is_full(self, messages: int, size: int) -> bool:
        """Tell whether with so many messages and bytes more the queue would hold too much."""
        most, most_bytes = self.rules.max_length, self.rules.max_bytes
        return (most is not None and len(self._ready) + messages > most) or (
            most_bytes is not None and self._bytes + size > most_bytes
        )

    def _expiry_of(self, message: Message) -> float | None:
        own = message.properties.expiration
        times = [int(own) / 1000] if own is not None else []
        if self.rules.ttl is not None:
            times.append(self.rules.ttl)
        return now() + min(times) if times else None
