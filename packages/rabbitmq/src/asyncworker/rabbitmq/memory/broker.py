"""The brokers of this process, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncworker.rabbitmq.memory.clock import now, skip, skipping
from asyncworker.rabbitmq.memory.connection import Connection
from asyncworker.rabbitmq.memory.vhost import VirtualHost

if TYPE_CHECKING:
    import asyncio

    from asyncworker.rabbitmq.memory.channel import Observer
    from asyncworker.rabbitmq.memory.client import Client
    from asyncworker.rabbitmq.memory.queue import Queue


class MemoryBroker:
    """Hold virtual hosts, made when first used, and the connections to them.

    All of it is used on one event loop at a time; another one may go on when that has ended.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.vhosts: dict[str, VirtualHost] = {}
        self.connections: set[Connection] = set()
        self.observer: Observer | None = None

    def vhost(self, name: str) -> VirtualHost:
        """Return a virtual host."""
        if name not in self.vhosts:
            self.vhosts[name] = VirtualHost(name)
        return self.vhosts[name]

    @property
    def queues(self) -> list[Queue]:
        """Return the queues of all virtual hosts."""
        return [queue for vhost in self.vhosts.values() for queue in vhost.queues.values()]

    def connect(self, client: Client, loop: asyncio.AbstractEventLoop) -> Connection:
        """Let a client in.

        Raises: ConnectionRefusedError
        """
        for other in list(self.connections):
            if other.loop.is_closed():
                self.leave(other)
            elif other.loop is not loop and other.loop.is_running():
                raise ConnectionRefusedError(
                    f"memory://{self.name} is in use by another event loop; "
                    "give each its own broker: memory://name"
                )
        connection = Connection(client, self.vhost, self.observer, loop)
        self.connections.add(connection)
        # Messages may have grown too old while no loop ran.
        for queue in self.queues:
            queue.deliver()
        return connection

    def leave(self, connection: Connection) -> None:
        """End a connection, and remove what was its alone."""
        connection.end()
        for vhost in self.vhosts.values():
            for queue in [one for one in vhost.queues.values() if one.owner is connection.client]:
                vhost.delete_queue(queue)
        self.connections.discard(connection)

    def advance(self, seconds: float) -> None:
        """Let so much time pass for what has a limit.

        One thing after the other: what goes from one queue to the next waits there for the rest.
        """
        with skipping(seconds) as end:
            while now() < end:
                queues = [queue for each in _brokers.values() for queue in each.queues]
                times = (queue.next_due for queue in queues)
                due = min((at for at in times if at is not None and at < end), default=end)
                skip(max(0.0, due - now()))
                for queue in queues:
                    queue.later()

    def stop(self) -> None:
        """Forget all messages, and break connections off, as a power cut does."""
        for queue in self.queues:
            queue.stop()
        self.break_off()

    def break_off(self) -> None:
        """Break all connections off."""
        for connection in list(self.connections):
            self.leave(connection)
            if not connection.loop.is_closed():
                connection.client.hang_up()


_brokers: dict[str, MemoryBroker] = {}


def broker(name: str) -> MemoryBroker:
    """Return the broker of a name, which lasts as long as the process, or until `forget()`."""
    if name not in _brokers:
        _brokers[name] = MemoryBroker(name)
    return _brokers[name]


def forget(name: str) -> None:
    """End a broker: its queues and messages are gone, its connections lost."""
    found = _brokers.pop(name, None)
    if found is not None:
        found.stop()
