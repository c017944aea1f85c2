"""The brokers of this process, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from asyncworker.rabbitmq.memory.alarm import skip
from asyncworker.rabbitmq.memory.vhost import VirtualHost

if TYPE_CHECKING:
    from asyncworker.rabbitmq.memory.message import Unsettled
    from asyncworker.rabbitmq.memory.session import Session


class Observer(Protocol):
    """See what happens at a broker."""

    def changed(self) -> None:
        """Take note of anything else."""
        ...

    def delivered(self, one: Unsettled) -> None:
        """Take note of what is on its way to a consumer, which is to settle it."""
        ...

    def settled(self, one: Unsettled, outcome: Any) -> None:
        """Take note of how it was settled: acked, rejected, dead-lettered or requeued."""
        ...


class MemoryBroker:
    """Hold virtual hosts, made when first used, and the connections to them.

    All of it is used on one event loop at a time; another one may go on when that has ended.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.vhosts: dict[str, VirtualHost] = {}
        self.sessions: set[Session] = set()
        self.observer: Observer | None = None

    def vhost(self, name: str) -> VirtualHost:
        """Return a virtual host."""
        if name not in self.vhosts:
            self.vhosts[name] = VirtualHost(name)
        return self.vhosts[name]

    def enter(self, session: Session) -> None:
        """Take a connection.

        Raises: ConnectionRefusedError
        """
        for other in list(self.sessions):
            if other.loop.is_closed():
                other.end()
            elif other.loop is not session.loop and other.loop.is_running():
                raise ConnectionRefusedError(
                    f"memory://{self.name} is in use by another event loop; "
                    "give each its own broker: memory://name"
                )
        self.sessions.add(session)
        # Messages may have grown too old while no loop ran.
        for vhost in self.vhosts.values():
            for queue in list(vhost.queues.values()):
                queue.deliver()

    def advance(self, seconds: float) -> None:
        """Let so much time pass for what has a limit."""
        skip(seconds)
        for each in list(_brokers.values()):
            for vhost in each.vhosts.values():
                for queue in list(vhost.queues.values()):
                    queue.later()


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
        for vhost in found.vhosts.values():
            for queue in vhost.queues.values():
                queue.stop()
        for session in list(found.sessions):
            session.lose()
