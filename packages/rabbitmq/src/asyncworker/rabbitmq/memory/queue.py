"""A queue: messages in order, its consumers, what happens to what is too old or too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncworker.rabbitmq.memory.alarm import Alarm, now
from asyncworker.rabbitmq.memory.arguments import QUORUM
from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.kinds import Classic, Quorum
from asyncworker.rabbitmq.memory.loans import Loans
from asyncworker.rabbitmq.memory.store import Store
from asyncworker.rabbitmq.memory.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from asyncworker.rabbitmq.memory.arguments import Rules
    from asyncworker.rabbitmq.memory.consumer import Consumer
    from asyncworker.rabbitmq.memory.message import Entry, Message, Unsettled


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
        dead_letter: Callable[[Queue, Entry, str], bool],
        remove: Callable[[Queue], object],
    ) -> None:
        self.name = name
        self.durable = durable
        self.auto_delete = auto_delete
        self.owner = owner
        self.arguments = arguments
        self.rules = rules
        self.is_quorum = rules.type == QUORUM
        self.kind = Quorum(rules) if self.is_quorum else Classic(rules)
        self.consumers = Turns(single=rules.single_active, gives_way=self.is_quorum)
        self.is_deleted = False
        self._dead_letter = dead_letter
        self._remove = remove
        self._store = Store(rules, self.kind)
        self._loans = Loans(self._take_back)
        self._alarm = Alarm(self._run)
        self._disuse = Alarm(lambda: self._remove(self))
        self.use()

    @property
    def depth(self) -> int:
        """Count what waits to be delivered."""
        self._expire()
        return len(self._store.ready)

    def use(self) -> None:
        """Start the time anew after which a queue that nobody uses is deleted."""
        if self.rules.expires is not None:
            self._disuse.set(None if self.consumers else now() + self.rules.expires)

    def publish(self, message: Message) -> bool:
        """Take a message; return whether there was room for it."""
        self._expire()
        entry = self._store.entry_of(message)
        if self.rules.overflow != "drop-head" and self._store.is_full(1, len(message.body)):
            if self.rules.overflow == "reject-publish-dlx":
                self._dead_letter(self, entry, "maxlen")
            return False
        self._store.ready.push(entry)
        self._hand_out()
        # A classic queue marks only what had to wait.
        entry.redelivered = message.failures > 0
        self._run()
        return True

    def put_back(self, entries: Iterable[Entry], *, failed: bool) -> None:
        """Take messages that were delivered. `failed` is whether that counts against them."""
        if self.is_deleted:
            return
        for entry in entries:
            entry.redelivered = True
            entry.returns += 1
            entry.failures += failed
            if self.kind.is_spent(entry):
                self._dead_letter(self, entry, "delivery_limit")
            else:
                self._store.put_back(entry, self.kind.delay_of(entry, failed=failed))
        self._run()

    def get(self) -> Entry | None:
        """Return the first message, or None."""
        self._expire()
        return self._store.ready.pop() if self._store.ready else None

    def lend(self, one: Unsettled) -> None:
        """Have a delivery settled in time, if the queue sets any."""
        seconds = self.rules.consumer_timeout
        if seconds is not None:
            own = None if one.consumer is None else one.consumer.timeout
            self._loans.add(one, seconds if own is None else own)

    def settle(self, one: Unsettled) -> None:
        """Mind a delivery no longer."""
        self._loans.end(one)

    def discard(self, entry: Entry, reason: str, *, failed: bool = False) -> bool:
        """Drop a message, or send it where the queue sends dead letters; return whether it was."""
        entry.failures += failed
        return not self.is_deleted and self._dead_letter(self, entry, reason)

    def waiting(self) -> list[Message]:
        """Return what waits, in order."""
        self._expire()
        return [entry.message for entry in self._store.ready]

    def later(self) -> None:
        """Mind that the time was turned forward."""
        self._disuse.again()
        self._loans.again()
        self._run()

    def purge(self) -> int:
        """Drop what waits, and return how much that was."""
        self._expire()
        return self._store.clear()

    def add(self, consumer: Consumer, subject: str) -> None:
        """Let a consumer have messages.

        Raises: Refused
        """
        # Quorum queues take no notice of `exclusive`.
        if not self.is_quorum and (
            any(one.exclusive for one in self.consumers)
            or (consumer.exclusive and (self.consumers or self.rules.single_active))
        ):
            raise Refused(403, f"{subject} in exclusive use")
        self.consumers.add(consumer)
        self.use()

    def drop(self, consumer: Consumer) -> None:
        """Let a consumer have nothing more. It may be another one's turn then: see `deliver()`."""
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
        for consumer in list(self.consumers):
            self.consumers.remove(consumer)
            consumer.cancel()
        return count

    def stop(self) -> None:
        """Forget everything, and have nothing due any more; no loop need run."""
        self.is_deleted = True
        self._store.clear()
        self._loans.stop()
        self._alarm.set(None)
        self._disuse.set(None)

    def _run(self) -> None:
        """Do all that is due."""
        self._store.ripen()
        self._expire()
        self._hand_out()
        if self.rules.overflow == "drop-head":
            for entry in self._store.excess():
                self.discard(entry, "maxlen")
        self._alarm.set(self._store.next_due())

    def _expire(self) -> None:
        for entry in self._store.expired():
            self.discard(entry, "expired")

    def _hand_out(self) -> None:
        while self._store.ready and (consumer := self.consumers.take()) is not None:
            consumer.deliver(self._store.ready.pop())

    def _take_back(self, late: list[Unsettled]) -> None:
        """Take from clients what they have not settled in time."""
        channels = dict.fromkeys(one.channel for one in late)
        for channel in channels:
            channel.take_back([one for one in late if one.channel is channel])
