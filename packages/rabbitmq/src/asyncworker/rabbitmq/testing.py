"""What TestApp offers for RabbitMQ: a broker in memory, and what became of each message."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from asyncworker.codecs import by_content_type
from asyncworker.codecs.content_encoding import undone
from asyncworker.errors import ConfigurationError, Invalid
from asyncworker.plural import counted
from asyncworker.rabbitmq.amqp.properties import CONTENT_ENCODING, CONTENT_TYPE, MESSAGE_ID
from asyncworker.rabbitmq.connection import AMQPConnection
from asyncworker.rabbitmq.dead import DeadQueue
from asyncworker.rabbitmq.delaying.delayed import as_published, was_delayed
from asyncworker.rabbitmq.memory.broker import broker, forget
from asyncworker.rabbitmq.retrying.attempts import ATTEMPT
from asyncworker.rabbitmq.retrying.dead_letters import ERROR, QUEUE
from asyncworker.rabbitmq.settings import RabbitMQSettings
from asyncworker.testing import NotIdle, watched

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from asyncworker.app import App
    from asyncworker.rabbitmq.memory.broker import MemoryBroker
    from asyncworker.rabbitmq.memory.message import Message
    from asyncworker.rabbitmq.memory.queue import Queue, Unacked
    from asyncworker.rabbitmq.memory.storage import Entry
    from asyncworker.rabbitmq.route import AMQPRoute
    from asyncworker.testing import Journal

__all__ = ["Delivery", "QueueView", "RabbitMQStand"]

Outcome = Literal["acked", "rejected", "dead-lettered", "requeued"]
Letter = tuple[str, str | None, bytes]
"""A queue, the id of a message that it had, and its body."""

TIMEOUT: Final = 10.0
"""Seconds that an app has to take its locks again, when its connection was lost."""
_numbers: Final = count(1)


@dataclass(slots=True)
class Delivery:
    """Hold a message as it was delivered to a route.

    queue: the one it came from. raw_body: its bytes. redelivered: whether it came before.
    outcome: how it was settled, None until it is.
    """

    queue: str
    raw_body: bytes
    redelivered: bool
    message: Message = field(repr=False)
    outcome: Outcome | None = None

    @property
    def body(self) -> Any:
        """Return the body as its content type says, or its bytes when it is not what that says."""
        return _value_of(self.message)

    @property
    def headers(self) -> dict[str, Any]:
        """Return the headers."""
        headers = self.message.headers
        return as_published(headers) if was_delayed(self.message.header) else headers


@dataclass(frozen=True, slots=True)
class QueueView:
    """See what waits in a queue."""

    _queue: Queue

    @property
    def bodies(self) -> list[Any]:
        """Return what waits in the queue, the first one first; each as its content type says."""
        return [_value_of(message) for message in self._queue.waiting()]


class Said(NamedTuple):
    """Hold what a message says of its body."""

    content_type: str | None
    content_encoding: str | None


def _value_of(message: Message) -> Any:
    """Return the body as its message says, or else the bytes: a test may want to see poison too."""
    said = Said(message.text(CONTENT_TYPE), message.text(CONTENT_ENCODING))
    try:
        body = message.body
        if said.content_encoding:
            body = undone(body, said.content_encoding, RabbitMQSettings.load().body_limit)
        return by_content_type.codec.decode(body, said)
    except Invalid:
        return message.body


class Observer:
    """Note what a broker delivers to consumers and how they settle it."""

    def __init__(self, deliveries: list[Delivery], journal: Journal) -> None:
        self._deliveries = deliveries
        self._journal = journal
        self._open: dict[int, tuple[Unacked, Delivery]] = {}
        self._letters: Counter[Letter] = Counter()
        self.consumed: set[str] = set()
        """The queues of routes."""
        self.twice = False
        """Whether what is acknowledged comes once more."""
        self._came_again: dict[int, Entry] = {}

    def published(self, message: Message) -> None:
        """Note a dead letter, which its original is confirmed after."""
        if ERROR in message.header:
            queue = str(message.headers.get(QUEUE.decode()))
            self._letters[queue, message.text(MESSAGE_ID), message.body] += 1

    def changed(self) -> None:
        """Note that something was published, consumed or declared."""
        self._journal.changed()

    def delivered(self, one: Unacked) -> None:
        """Note what is on its way to a route. Who looks at dead letters is none."""
        if one.queue.name not in self.consumed:
            return
        message = one.entry.message
        delivery = Delivery(one.queue.name, message.body, one.entry.redelivered, message)
        self._deliveries.append(delivery)
        self._open[id(one)] = one, delivery

    def settled(self, one: Unacked, outcome: Outcome) -> None:
        """Note the outcome."""
        _, delivery = self._open.pop(id(one), (None, None))
        if delivery is not None:
            if outcome == "acked" and self.twice:
                self._deliver_again(one)
            delivery.outcome = outcome
            letter = delivery.queue, delivery.message.text(MESSAGE_ID), delivery.raw_body
            if outcome == "acked" and self._letters[letter]:
                self._letters[letter] -= 1
                delivery.outcome = "dead-lettered"
            self._journal.changed()

    def _deliver_again(self, one: Unacked) -> None:
        """Put a message back that was acknowledged for the first time.

        Of copies the originals come again: each of them twice too would be more and more.
        """
        if id(one.entry) not in self._came_again and ATTEMPT not in one.entry.message.header:
            self._came_again[id(one.entry)] = one.entry
            one.queue.put_back([one.entry], failed=False)

    @property
    def unsettled(self) -> int:
        """Count what consumers have not settled."""
        return len(self._open)


class RabbitMQStand:
    """Hold a broker in memory for each that the app would use."""

    def __init__(self, connections: Sequence[AMQPConnection], journal: Journal) -> None:
        self.routes: list[AMQPRoute] = []
        self.messages: list[Delivery] = []
        """All that was delivered to routes, in that order."""
        self._connections = connections
        self._observer = Observer(self.messages, journal)
        self._publishers: dict[str, AMQPConnection] = {}

    async def publish(
        self,
        body: Any,
        routing_key: str = "",
        exchange: str = "",
        *,
        vhost: str | None = None,
        connection: AMQPConnection | None = None,
        **options: Any,
    ) -> None:
        """Publish as `AMQPConnection.put()` does.

        body: what the codec of the connection takes.
        routing_key: the name of a queue, where no exchange is named.
        connection: the app's own that says where to, if it has several.
        options: what else `put()` takes.
        """
        chosen = self._chosen(connection)
        publisher = self._publisher(chosen)
        publisher.codec = chosen.codec
        await publisher.put(body, routing_key, exchange, vhost=vhost or chosen.vhost, **options)

    def queue(
        self,
        name: str,
        *,
        vhost: str | None = None,
        connection: AMQPConnection | None = None,
        **arguments: Any,
    ) -> QueueView:
        """Return a view of a queue, which is declared if it is not there.

        arguments: those of RabbitMQ, with _ for -, as `x_message_ttl=1000`.
        """
        chosen = self._chosen(connection)
        place = self._broker(chosen).vhost(vhost or chosen.vhost)
        found = place.queues.get(name) or place.declare_queue(
            name, arguments={key.replace("_", "-"): value for key, value in arguments.items()}
        )
        return QueueView(found)

    def dead(
        self, name: str, *, vhost: str | None = None, connection: AMQPConnection | None = None
    ) -> DeadQueue:
        """Return a queue of dead letters, to look at, to replay and to drop.

        connection: the app's own that says where it is, if it has several.
        """
        chosen = self._chosen(connection)
        return DeadQueue(chosen, name, vhost=vhost or chosen.vhost)

    def deliver_twice(self) -> None:
        """Have each message delivered once more when it was acknowledged."""
        self._observer.twice = True

    async def lose_connection(self) -> None:
        """Break off all connections of the app, as a network does.

        What is not settled is delivered again, also what a handler is at. The app connects again.
        """
        self.killed()

    def killed(self) -> None:
        """Break off all connections, as of a process that is gone."""
        for name in self._publishers:
            broker(name).break_off()

    async def advance(self, seconds: float) -> None:
        """Let time pass for messages and queues that have a limit, for delays and for pauses.

        seconds: how much.
        """
        await self._locks_held()
        # Brokers in memory have one clock in common.
        for name in list(self._publishers)[:1]:
            broker(name).advance(seconds)
        for route in self.routes:
            route.circuit.advance(seconds)
            route.delays.advance(seconds)

    async def _locks_held(self) -> None:
        """Wait until the app holds its locks again: nobody else is there to hold them.

        Raises: NotIdle
        """
        try:
            async with asyncio.timeout(TIMEOUT):
                for connection in self._connections:
                    vhost = self._broker(connection).vhost(connection.vhost)
                    for lock in connection.locks.all:
                        while lock.queue not in vhost.queues or not lock.held:
                            await lock.turned.wait()
        except TimeoutError:
            raise NotIdle(f"a lock is not held within {TIMEOUT:g} s: {lock.queue}") from None

    def busy(self) -> list[str]:
        """Return which queues hold messages, or why they are not consumed, a line each.

        Those of a route that is paused wait for more than that, and so do those that wait for a
        time.
        """
        lines = []
        held = 0
        for route in self.routes:
            held += (waiting := route.delays.count_held())
            if route.circuit.rests or waiting:
                continue
            queues = self._broker(route.connection).vhost(route.vhost).queues
            for name in route.routes:
                queue = queues.get(name)
                if queue is None or not queue.consumers:
                    problem = route.connection.problems.get(route.subject(name), "not consumed")
                    lines.append(f"queue {name!r}: {problem}")
                elif queue.pending:
                    lines.append(f"{counted(queue.pending, 'message')} waiting in queue {name!r}")
        if (unsettled := self._observer.unsettled - held) > 0:
            lines.append(f"{counted(unsettled, 'message')} not settled")
        return lines

    def open(self, stack: ExitStack) -> None:
        """Point the app's connections at brokers of the test's own, until the stack is left."""
        # Hosts alone tell brokers apart: names, logins and heartbeats are those of connections.
        own: dict[tuple[str, int], AMQPConnection] = {}
        for connection in self._connections:
            hosts = connection.broker.hosts
            known = (own[host] for host in hosts if host in own)
            publisher = next(known, None) or self._publisher_to_another()
            own.update(dict.fromkeys(hosts, publisher))
            stack.enter_context(connection.redirected(publisher.broker))

    def serve(self, routes: Sequence[AMQPRoute], journal: Journal) -> None:
        """Make what the app's routes need, and keep them, watched."""
        for route in routes:
            declared = getattr(route, "topology", {})
            vhost = self._broker(route.connection).vhost(route.vhost)
            vhost.expected.update(name for name in route.routes if name not in declared)
            vhost.expected.update(_target_of(route))
            self._observer.consumed.update(route.routes)
            self.routes.append(watched(route, journal))

    async def close(self) -> None:
        """Forget the brokers."""
        for name, publisher in self._publishers.items():
            await publisher.close()
            forget(name)

    def _chosen(self, connection: AMQPConnection | None) -> AMQPConnection:
        if connection is None and len(self._connections) > 1:
            choices = ", ".join(map(repr, self._connections))
            raise ConfigurationError(f"the app has several connections, say which: {choices}")
        return self._connections[0] if connection is None else connection

    def _broker(self, connection: AMQPConnection) -> MemoryBroker:
        return broker(connection.broker.hosts[0][0])

    def _publisher_to_another(self) -> AMQPConnection:
        name = f"test-{next(_numbers)}"
        broker(name).observer = self._observer
        self._publishers[name] = AMQPConnection(url=f"memory://{name}")
        return self._publishers[name]

    def _publisher(self, connection: AMQPConnection) -> AMQPConnection:
        return self._publishers[connection.broker.hosts[0][0]]


def _target_of(route: AMQPRoute) -> list[str]:
    """Return the queue that a route publishes to and does not declare, if there is one."""
    target = route.target
    if target is None or target.exchange or route.target_queue is not None:
        return []
    return [target.routing_key]


@asynccontextmanager
async def stand(
    app: App, routes: Sequence[AMQPRoute], journal: Journal
) -> AsyncIterator[RabbitMQStand]:
    """Offer brokers in memory to an app, its routes and a test."""
    connections = [one for one in app.connections.all if isinstance(one, AMQPConnection)]
    made = RabbitMQStand(connections, journal)
    with ExitStack() as stack:
        made.open(stack)
        made.serve(routes, journal)
        try:
            yield made
        finally:
            await made.close()
