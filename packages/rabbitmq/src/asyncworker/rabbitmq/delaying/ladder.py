"""The ladder of queues in which messages wait, one for each power of two.

At level n a message waits 2**n seconds, if a header says so, or is passed on to the next level
below at once. So any time is a sum of a few, and any message needs the same few queues. Below the
lowest level it goes through a queue that only its destination has: what has no place to go to is
in nobody's way there. It keeps its routing key all the way.

All of these queues keep a message until the next one has it, and stay for ever, as one may come.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asyncworker.rabbitmq.amqp.methods import ExchangeBind, ExchangeDeclare, QueueBind, QueueDeclare
from asyncworker.rabbitmq.topology import MAX_QUEUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pamqp.base import Frame

FINEST: Final = -3
HIGHEST: Final = 28
"""The levels: no message waits twice at any. A broker takes no time above ten years."""
MAX_DELAY: Final = 2.0 ** (HIGHEST + 1) - 2.0**FINEST
"""Seconds, which are 17 years."""
PREFIX: Final = "asyncworker.delay."
HIGH: Final = f"{PREFIX}high."
"""What the names of levels begin with for messages of a high priority."""
MARK: Final = "asyncworker-delay-"
"""What the headers begin with by which messages find their way. Those that begin with `x-` no
exchange looks at."""
TO: Final = f"{MARK}to"
"""The header that names the last queue."""
EXIT: Final = f"{PREFIX}out"
"""The exchange below all levels, which knows the last queues."""
STRAY: Final = f"{PREFIX}stray"
"""Where those go whose last queue somebody has deleted: at a level they would be in the way."""
DROP: Final = f"{PREFIX}drop"
"""A queue that keeps nothing."""
SAFE: Final[dict[str, Any]] = {
    "x-queue-type": "quorum",
    "x-overflow": "reject-publish",
    "x-dead-letter-strategy": "at-least-once",
}


class Way(NamedTuple):
    """Say where a message waits.

    lane: what the names of its levels begin with. level: the highest of them. exchange: where it
    goes in the end; the default exchange is "". queue: its name, where that is so.
    is_dropped: whether it is, when no queue takes it then.
    """

    lane: str
    level: int
    exchange: str
    queue: str
    is_dropped: bool

    @property
    def entrance(self) -> str:
        """Return the exchange that it is published to."""
        return f"{self.lane}{self.level}"

    @property
    def levels(self) -> list[str]:
        """Return the names of all its levels, the lowest first."""
        return [f"{self.lane}{level}" for level in range(FINEST, self.level + 1)]

    @property
    def out(self) -> str:
        """Return its last queue."""
        if not self.exchange:
            return _bounded("to.queue.", self.queue)
        return _bounded("try.exchange." if self.is_dropped else "to.exchange.", self.exchange)


def flag_name(level: int) -> str:
    """Return the header that says whether a message waits at a level."""
    return f"{MARK}{level}"


def ladder_of(way: Way) -> Iterator[Frame]:
    """Yield what declares all that a message needs, from the end of its way to the beginning."""
    yield _exchange(STRAY, "fanout")
    yield QueueDeclare(queue=STRAY, durable=True, arguments={"x-queue-type": "quorum"})
    yield QueueBind(queue=STRAY, exchange=STRAY)
    yield _exchange(EXIT, "headers", {"alternate-exchange": STRAY})
    if way.exchange and way.is_dropped:
        yield from _drop(way)
        yield _queue(way.out, 0, way.out)
    else:
        yield _queue(way.out, 0, way.exchange)
    yield QueueBind(queue=way.out, exchange=EXIT, arguments={"x-match": "all", TO: way.out})
    below = EXIT
    for level, name in enumerate(way.levels, FINEST):
        waits: dict[str, Any] = {"x-match": "all", flag_name(level): True}
        passes: dict[str, Any] = {"x-match": "all", flag_name(level): False}
        yield _exchange(name, "headers")
        yield _queue(name, round(2**level * 1000), below)
        yield QueueBind(queue=name, exchange=name, arguments=waits)
        yield ExchangeBind(destination=below, source=name, arguments=passes)
        below = name


def _drop(way: Way) -> Iterator[Frame]:
    """Yield an exchange by which a message always comes to a queue, even if that keeps nothing.

    What no queue takes would be kept, and then be in the way of others to the same exchange.
    """
    yield _exchange(way.out, "fanout")
    yield ExchangeBind(destination=way.exchange, source=way.out)
    yield QueueDeclare(queue=DROP, durable=True, arguments={"x-message-ttl": 0})
    yield QueueBind(queue=DROP, exchange=way.out)


def _exchange(name: str, kind: str, arguments: dict[str, Any] | None = None) -> Frame:
    return ExchangeDeclare(exchange=name, exchange_type=kind, durable=True, arguments=arguments)


def _queue(name: str, milliseconds: int, then: str) -> Frame:
    """Return what declares a queue that hands on to an exchange."""
    arguments = {**SAFE, "x-message-ttl": milliseconds, "x-dead-letter-exchange": then}
    return QueueDeclare(queue=name, durable=True, arguments=arguments)


def _bounded(kind: str, name: str) -> str:
    """Return a name that the broker takes; of a long one it has the hash."""
    whole = f"{PREFIX}{kind}{name}"
    if len(whole.encode()) > MAX_QUEUE:
        return f"{PREFIX}{kind}{sha256(name.encode()).hexdigest()}"
    return whole
