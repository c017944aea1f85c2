"""Shards: one queue as several, each key in one of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq.checks import checked_count, checked_name, short_text
from asyncworker.rabbitmq.topology import (
    DELIVERY_LIMIT,
    MAX_EXCHANGE,
    UNLIMITED,
    Binding,
    Exchange,
    Queue,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncworker.rabbitmq.consumer import Consumer

CONSISTENT_HASH: Final = "x-consistent-hash"
PLUGIN: Final = "rabbitmq_consistent_hash_exchange"
MOST: Final = 256
"""The most shards: each has a lock, which takes a channel of the process that holds it."""
WEIGHT: Final = "1"
"""What each has of the exchange: all get the same part of the keys."""
HASH_HEADER: Final = "hash-header"
LOCKS: Final = "asyncworker.shards."
"""What the names of all queues begin with by which processes agree on who has which shard."""
LONGEST_NAME: Final = 255 - len(f"{LOCKS}.{MOST - 1}.more")
"""Bytes in the name of what is divided: its longest queue has one of 255 (AMQP 0-9-1, 4.2.5.3)."""
OFTEN: Final = 1_000_000
"""How often a message may come back to a quorum queue. Without any limit, what comes back goes
behind all others (https://www.rabbitmq.com/docs/quorum-queues, Repeated Requeues)."""
QUEUE_TYPE: Final = "x-queue-type"
MAX_HEADER: Final = 128
"""Characters in the name of a header (AMQP 0-9-1, 4.2.5.5)."""


@dataclass(frozen=True, slots=True)
class Shards:
    """Divide a queue into several, so that processes share it and each key stays in order.

    Declares an exchange of the type x-consistent-hash, which is a plugin that comes with RabbitMQ,
    and the queues `NAME.0`, `NAME.1` and so on, bound to it. What is published to the exchange goes
    to one of them: messages with the same value of a header always to the same. Each process
    that has the route takes its part of them, and hands over as others come and go.

    queue: what each of them is like, classic unless it has another type; the queue of its own name
    is not declared. Dead letters of `dead_letter=True` of all of them go to the one `NAME.dead`.
    count: how many, up to 256. Another number moves keys from one to another.
    by: the name of the header. Messages without it go to one of them all together.
    exchange: the name of the exchange; that of the queue when left out.
    Raises: ConfigurationError
    """

    queue: Queue
    count: int
    by: str = field(kw_only=True)
    exchange: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.queue, Queue):
            raise ConfigurationError(
                f"Shards: the first is the Queue to divide, got {self.queue!r}: "
                "write Shards(Queue('orders'), 8, by='customer')"
            )
        subject = f"shards of queue {self.name!r}"
        checked_name(subject, self.name, LONGEST_NAME)
        checked_count(f"{subject}: count", self.count, MOST)
        if not isinstance(self.by, str) or not 0 < len(self.by) <= MAX_HEADER:
            raise ConfigurationError(
                f"{subject}: by must be the name of a header, of up to {MAX_HEADER} characters, "
                f"got {self.by!r}"
            )
        short_text(f"{subject}: by", self.by, 255)
        checked_name(f"{subject}: exchange", self.exchange_name, MAX_EXCHANGE)
        self._check_queue(subject)

    @property
    def name(self) -> str:
        """Return the name of what is divided."""
        return self.queue.name

    @property
    def exchange_name(self) -> str:
        """Return the name of the exchange that messages are published to."""
        return self.queue.name if self.exchange is None else self.exchange

    @property
    def hashing(self) -> Exchange:
        """Return the exchange, which is declared."""
        return Exchange(self.exchange_name, CONSISTENT_HASH, arguments={HASH_HEADER: self.by})

    @property
    def queues(self) -> tuple[Queue, ...]:
        """Return the shards, each declared with the exchange."""
        binding = Binding(self.hashing, WEIGHT)
        alike = replace(
            self.queue,
            type=self.queue.type or "classic",
            bind=[binding],
            single_active_consumer=True,
            dead_letter=self.queue.dead_queue or self.queue.dead_letter,
            delivery_limit=self._delivery_limit,
        )
        return tuple(replace(alike, name=f"{self.name}.{one}") for one in range(self.count))

    @property
    def members_queue(self) -> str:
        """Return the name of the queue whose consumers are the processes that share these."""
        return f"{LOCKS}{self.name}.members"

    def lock_queue(self, number: int) -> str:
        """Return the name of the queue by which one process has a shard."""
        return f"{LOCKS}{self.name}.{number}"

    def more_queue(self, number: int) -> str:
        """Return the name of the queue by which one process may have a shard more than others."""
        return f"{LOCKS}{self.name}.{number}.more"

    @property
    def is_quorum(self) -> bool:
        """Tell whether they are quorum queues."""
        return self.queue.type == "quorum"

    @property
    def _delivery_limit(self) -> int | None:
        if self.is_quorum and self.queue.stated_limit is None:
            return OFTEN
        return self.queue.delivery_limit

    def _check_queue(self, subject: str) -> None:
        if self.queue.is_stream:
            raise ConfigurationError(
                f"{subject}: a stream is no queue: all of its readers read all of it"
            )
        if QUEUE_TYPE in self.queue.arguments:
            raise ConfigurationError(
                f"{subject}: say type={self.queue.arguments[QUEUE_TYPE]!r} of the Queue in place "
                f"of the argument {QUEUE_TYPE!r}"
            )
        if self.queue.stated_limit == UNLIMITED:
            raise ConfigurationError(
                f"{subject}: without any {DELIVERY_LIMIT}, a quorum queue puts what comes back "
                "behind all others: leave delivery_limit=-1 out"
            )
        if self.queue.bind:
            raise ConfigurationError(
                f"{subject}: they are bound to their exchange {self.exchange_name!r}: leave bind= "
                "out, and bind that exchange to where messages come from"
            )
        if self.queue.auto_delete:
            raise ConfigurationError(
                f"{subject}: a shard has no consumer as it is handed over, and would be deleted "
                "with its messages: leave out auto_delete=True"
            )


def shards_of(routes: Sequence[str | Queue | Shards]) -> Shards | None:
    """Return the shards of a route, which are all that it consumes, or None.

    Raises: ConfigurationError
    """
    for one in routes:
        if isinstance(one, Shards):
            if len(routes) > 1:
                raise ConfigurationError(
                    f"shards of queue {one.name!r} are all that a route consumes: write another "
                    "route for what is beside them"
                )
            return one
    return None


def queues_of(routes: Sequence[str | Queue | Shards]) -> list[str | Queue]:
    """Return all queues of a route, each shard for itself."""
    queues: list[str | Queue] = []
    for one in routes:
        queues += one.queues if isinstance(one, Shards) else [one]
    return queues


def check_suits_shards(shards: Shards, consumer: Consumer) -> None:
    """Accept a way of consuming in which the next process may wait for its turn.

    Raises: ConfigurationError
    """
    if consumer.exclusive:
        raise ConfigurationError(
            f"shards of queue {shards.name!r} have a single active consumer each: leave out "
            "exclusive=True of consumer="
        )
