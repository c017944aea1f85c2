"""A virtual host: exchanges, queues, and the way of a message from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from asyncworker.rabbitmq.memory.arguments import (
    CLASSIC,
    COMPARED,
    STREAM,
    check_properties,
    check_same,
    rules_of,
)
from asyncworker.rabbitmq.memory.dead_letters import dead_letter, is_cycle
from asyncworker.rabbitmq.memory.errors import Refused
from asyncworker.rabbitmq.memory.exchange import ALTERNATE, TYPES, Binding, Exchange
from asyncworker.rabbitmq.memory.queue import Queue
from asyncworker.rabbitmq.memory.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from asyncworker.rabbitmq.memory.message import Message
    from asyncworker.rabbitmq.memory.storage import Entry

FIRST: Final = (
    ("", "direct"),
    ("amq.direct", "direct"),
    ("amq.fanout", "fanout"),
    ("amq.headers", "headers"),
    ("amq.match", "headers"),
    ("amq.topic", "topic"),
)
"""Exchanges that are there from the start."""


class VirtualHost:
    """Hold what is declared in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.queues: dict[str, Queue] = {}
        self.exchanges = {name: Exchange(name, kind) for name, kind in FIRST}
        self.askers: dict[str, Callable[[Message], None]] = {}
        """What takes the answers to what a channel has asked, by the name that they are sent to."""
        self.expected: set[str] = set()
        """Names of queues that are made when somebody asks for them: none, outside of tests."""

    def subject(self, kind: str, name: str) -> str:
        """Return what the broker's answers call a queue or an exchange."""
        return f"{kind} {name!r} in vhost {self.name!r}"

    def exchange(self, name: str) -> Exchange:
        """Return an exchange.

        Raises: Refused
        """
        if name not in self.exchanges:
            raise Refused(404, f"no {self.subject('exchange', name)}")
        return self.exchanges[name]

    def queue(self, name: str, user: object) -> Queue:
        """Return a queue, if who asks may use it.

        Raises: Refused
        """
        queue = self._found(name)
        if queue is None:
            raise Refused(404, f"no {self.subject('queue', name)}")
        if queue.owner not in (None, user):
            raise _locked(queue)
        return queue

    def _found(self, name: str) -> Queue | None:
        if name in self.expected and name not in self.queues:
            return self.declare_queue(name)
        return self.queues.get(name)

    def declare_exchange(self, wanted: Exchange) -> None:
        """Take an exchange, or see that it is there already.

        Raises: Refused
        """
        if wanted.type not in TYPES:
            raise Refused(406, f"unknown exchange type {wanted.type!r}")
        found = self.exchanges.setdefault(wanted.name, wanted)
        check_same(self.subject("exchange", wanted.name), found.properties, wanted.properties)

    def declare_queue(
        self,
        name: str,
        *,
        durable: bool = True,
        auto_delete: bool = False,
        exclusive: bool = False,
        arguments: Mapping[str, Any] | None = None,
        user: object = None,
    ) -> Queue:
        """Return the queue, made if need be.

        Raises: Refused
        """
        subject = self.subject("queue", name)
        owner = user if exclusive else None
        arguments = arguments or {}
        if name in self.queues:
            queue = self.queue(name, user)
            if queue.owner is not owner:
                raise _locked(queue)
            current = {"durable": queue.durable, "auto_delete": queue.auto_delete}
            check_same(subject, current, {"durable": durable, "auto_delete": auto_delete})
            rules_of(arguments, subject)
            check_same(subject, _compared(queue.arguments), _compared(arguments))
            queue.use()
            return queue
        rules = rules_of(arguments, subject)
        check_properties(
            rules, subject, durable=durable, auto_delete=auto_delete, exclusive=exclusive
        )
        kind = Stream if rules.type == STREAM else Queue
        self.queues[name] = queue = kind(
            name=name,
            subject=subject,
            durable=durable,
            auto_delete=auto_delete,
            owner=owner,
            arguments=arguments,
            rules=rules,
            dead_letter=self._dead_letter,
            remove=self.delete_queue,
        )
        return queue

    def delete_queue(self, queue: Queue) -> int:
        """Remove a queue and its bindings; return how many messages are lost with it."""
        if self.queues.get(queue.name) is queue:
            del self.queues[queue.name]
            self._unbind_all(queue)
        return queue.delete()

    def delete_exchange(self, exchange: Exchange) -> None:
        """Remove an exchange and its bindings."""
        del self.exchanges[exchange.name]
        self._unbind_all(exchange)

    def unbind(self, source: Exchange, binding: Binding) -> None:
        """Remove a binding, and the exchange if that was its last and it wants so."""
        if binding in source.bindings:
            source.bindings.remove(binding)
            if source.auto_delete and not source.bindings:
                self.delete_exchange(source)

    def _unbind_all(self, destination: Queue | Exchange) -> None:
        for exchange in list(self.exchanges.values()):
            for binding in [one for one in exchange.bindings if one.destination is destination]:
                self.unbind(exchange, binding)

    def route(self, message: Message, exchange: Exchange) -> list[Queue]:
        """Return the queues that a message goes to, each once."""
        found: dict[Queue, None] = {}
        self._follow(message, exchange, found, set())
        return list(found)

    def _follow(
        self, message: Message, exchange: Exchange, found: dict[Queue, None], seen: set[str]
    ) -> None:
        if exchange.name in seen:
            return
        seen.add(exchange.name)
        matching: Iterable[Queue | Exchange]
        if exchange.name == "":
            queue = self._found(message.routing_key)
            matching = [] if queue is None else [queue]
        else:
            matching = list(exchange.matching(message.routing_key, message.headers))
        alternate = self.exchanges.get(exchange.arguments.get(ALTERNATE, ""))
        if not matching and alternate is not None and ALTERNATE in exchange.arguments:
            matching = [alternate]
        for one in matching:
            if isinstance(one, Exchange):
                self._follow(message, one, found, seen)
            else:
                found[one] = None

    def _dead_letter(self, queue: Queue, entry: Entry, reason: str) -> bool:
        """Send a message on, and return whether any queue took it."""
        name = queue.rules.dead_letter_exchange
        if name is None or name not in self.exchanges:
            return False
        letter = dead_letter(entry, queue, reason, name)
        targets = self.route(letter, self.exchanges[name])
        targets = [one for one in targets if not is_cycle(letter, reason, one.name)]
        # All of them: any() would stop at the first that takes it.
        taken = [target.publish(letter) for target in targets]
        return any(taken)


def _locked(queue: Queue) -> Refused:
    return Refused(
        405,
        f"cannot obtain exclusive access to locked {queue.subject}. It could "
        "be originally declared on another connection or the exclusive property value does "
        "not match that of the original declaration.",
    )


def _compared(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may not differ when a queue is declared again."""
    typed = {"x-queue-type": CLASSIC, **arguments}
    return {name: typed.get(name) for name in COMPARED}
