"""A queue: messages in order, its consumers, what happens to what is too old or too much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from asyncworker.rabbitmq.memory.arguments import QUORUM
from asyncworker.rabbitmq.memory.clock import Deadlines, Timer, now
from asyncworker.rabbitmq.memory.consumer import Consumers
from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.storage import ClassicStorage, QuorumStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from asyncworker.rabbitmq.memory.arguments import Rules
    from asyncworker.rabbitmq.memory.consumer import Consumer
    from asyncworker.rabbitmq.memory.message import Message
    from asyncworker.rabbitmq.memory.storage import Entry

SEND_AGAIN: Final = 180.0
"""Seconds between two attempts to send what no queue has taken, where it is kept meanwhile."""


@dataclass(slots=True, eq=False)
class Unacked:
    """Say what was delivered, out of which queue, and to which consumer, if not to a Basic.Get.

    is_late: whether it was not settled in time, so that the queue has taken it back.
    """

    entry: Entry
    queue: Queue
    consumer: Consumer | None
    is_late: bool = False


@dataclass(eq=False, kw_only=True)
class Queue:
    """Hold messages, and hand them out to consumers in turn.

    subject: `queue 'name' in vhost 'name'`. owner: whose it is alone, or None. dead_letter: takes
    what is dropped, and why. remove: ends the queue, when nobody has used it for long enough or
    will any more.
    """

    name: str
    subject: str
    durable: bool
    auto_delete: bool
    owner: object
    arguments: Mapping[str, Any]
    rules: Rules
    dead_letter: Callable[[Queue, Entry, str], bool]
    remove: Callable[[Queue], object]

    def __post_init__(self) -> None:
        self.is_quorum = self.rules.type == QUORUM
        self.is_deleted = False
        self.consumers = Consumers(single=self.rules.single_active, gives_way=self.is_quorum)
        self._storage = (QuorumStorage if self.is_quorum else ClassicStorage)(self.rules)
        self._deadlines: Deadlines[Unacked] = Deadlines()
        self._due = Timer(self.deliver)
        self._kept: list[tuple[Entry, str]] = []
        self._send_again = Timer(self._send_kept)
        self._disuse = Timer(lambda: self.remove(self))
        self.use()

    @property
    def depth(self) -> int:
        """Count what waits to be delivered."""
        self._expire()
        return len(self._storage.ready)

    @property
    def next_due(self) -> float | None:
        """Return when it will next send a message on, if it holds one for a time."""
        again = [self._send_again.when] if self._kept else []
        times = [at for at in (self._storage.next_due(), *again) if at is not None]
        return min(times, default=None)

    @property
    def pending(self) -> int:
        """Count what consumers were not sent."""
        return self.depth

    def use(self) -> None:
        """Start the time anew after which a queue that nobody uses is deleted."""
        if self.rules.expires is not None:
            self._disuse.set(None if self.consumers else now() + self.rules.expires)

    def publish(self, message: Message) -> bool:
        """Take a message; return whether there was room for it."""
        self._expire()
        entry = self._storage.entry_of(message)
        if self.rules.overflow != "drop-head" and self._storage.is_full(1, len(message.body)):
            if self.rules.overflow == "reject-publish-dlx":
                self.dead_letter(self, entry, "maxlen")
            return False
        self._storage.ready.push(entry)
        self._hand_out()
        # A classic queue marks only what had to wait.
        entry.redelivered = message.failures > 0
        self.deliver()
        return True

    def deliver(self) -> None:
        """Do all that is due, and hand out as much as consumers have room for."""
        self._storage.ripen()
        self._expire()
        self._hand_out()
        if self.rules.overflow == "drop-head":
            for entry in self._storage.excess():
                self.discard(entry, "maxlen")
        self._due.set(self._storage.next_due())

    def get(self) -> Entry | None:
        """Return the first message, or None."""
        self._expire()
        return self._storage.ready.pop() if self._storage.ready else None

    def shown(self, entry: Entry) -> Message:
        """Return a message as it is delivered."""
        return self._storage.shown(entry)

    def expect_settlement(self, one: Unacked, missed: Callable[[list[Unacked]], None]) -> None:
        """Have a delivery settled in time, if the queue sets any, or `missed` called."""
        seconds = self.rules.consumer_timeout
        if seconds is not None:
            own = None if one.consumer is None else one.consumer.timeout
            self._deadlines.add(one, seconds if own is None else own, missed)

    def settle(self, one: Unacked) -> None:
        """Mind a delivery no longer."""
        self._deadlines.done(one)

    def put_back(self, entries: Iterable[Entry], *, failed: bool) -> None:
        """Take messages that were delivered. `failed` is whether that counts against them."""
        if self.is_deleted:
            return
        for entry in entries:
            if not self._storage.put_back(entry, failed=failed):
                self.discard(entry, "delivery_limit")
        self.deliver()

    def discard(self, entry: Entry, reason: str, *, failed: bool = False) -> bool:
        """Drop a message, or send it where the queue sends dead letters; return whether it was.

        One that is to be kept until another queue has it is not dropped.
        """
        entry.failures += failed
        if self.is_deleted or self.dead_letter(self, entry, reason):
            return not self.is_deleted
        if self.rules.keeps_dead_letters:
            if not self._kept:
                self._send_again.set(now() + SEND_AGAIN)
            self._kept.append((entry, reason))
        return self.rules.keeps_dead_letters

    def waiting(self) -> list[Message]:
        """Return what waits, in order."""
        self._expire()
        return [entry.message for entry in self._storage.ready]

    def purge(self) -> int:
        """Drop what waits, and return how much that was.

        Raises: Refused
        """
        return self._clear()

    def add(self, consumer: Consumer) -> None:
        """Let a consumer have messages.

        Raises: Refused
        """
        # Quorum queues take no notice of `exclusive`.
        if not self.is_quorum and (
            any(one.exclusive for one in self.consumers)
            or (consumer.exclusive and (self.consumers or self.rules.single_active))
        ):
            raise Refused(403, f"{self.subject} in exclusive use")
        self.consumers.add(consumer)
        self.use()

    def drop(self, consumer: Consumer) -> None:
        """Let a consumer have nothing more. It may be another one's turn then: see `deliver()`."""
        if consumer in self.consumers and not self.is_deleted:
            self.consumers.remove(consumer)
            self.use()
            if self.auto_delete and not self.consumers:
                self.remove(self)

    def later(self) -> None:
        """Mind that the time was turned forward."""
        self._disuse.again()
        self._deadlines.again()
        self._send_again.again()
        self._send_kept()
        self.deliver()

    def delete(self) -> int:
        """End; return how many messages are lost with it."""
        count = 0 if self.is_deleted else self._clear()
        self.stop()
        for consumer in list(self.consumers):
            self.consumers.remove(consumer)
            consumer.cancel()
        return count

    def stop(self) -> None:
        """Forget everything, and have nothing due any more; no loop need run."""
        self.is_deleted = True
        self._storage.clear()
        self._kept.clear()
        self._deadlines.stop()
        self._send_again.set(None)
        self._due.set(None)
        self._disuse.set(None)

    def _clear(self) -> int:
        self._expire()
        return self._storage.clear()

    def _send_kept(self) -> None:
        """Send again what is kept, if it is time to."""
        if (self._send_again.when or 0.0) > now():
            return
        kept, self._kept = self._kept, []
        for entry, reason in kept:
            self.discard(entry, reason)

    def _expire(self) -> None:
        for entry in self._storage.expired():
            self.discard(entry, "expired")

    def _hand_out(self) -> None:
        while self._storage.ready and (consumer := self.consumers.next()) is not None:
            consumer.deliver(self._storage.ready.pop())
