"""Queues, exchanges and bindings: declared where a route is given them, never otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from asyncworker.errors import ConfigurationError, suggestion
from asyncworker.rabbitmq.checks import (
    checked_arguments,
    checked_count,
    checked_flag,
    checked_name,
    checked_seconds,
    is_number,
    short_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QUEUE_TYPES: Final = ("classic", "quorum", "stream")
EXCHANGE_TYPES: Final = ("direct", "fanout", "headers", "topic")
DEAD_LETTER_EXCHANGE: Final = "x-dead-letter-exchange"
TTL: Final = "x-message-ttl"
DELIVERY_LIMIT: Final = "x-delivery-limit"
SINGLE_ACTIVE: Final = "x-single-active-consumer"
HIGHEST_PRIORITY: Final = 255
UNLIMITED: Final = -1
STREAM: Final = "stream"
STAYS: Final = "is durable and stays"
NOT_OF_STREAMS: Final[dict[str, tuple[Any, str]]] = {
    "durable": (True, STAYS),
    "auto_delete": (False, STAYS),
    "ttl": (None, "keeps messages for max_age="),
    "max_length": (None, "keeps as many messages as max_bytes= and max_age= let it"),
    "dead_letter": (None, "takes nothing back that it could dead-letter"),
    "single_active_consumer": (False, "has all of its readers read all of it"),
    "max_priority": (None, "keeps messages in the order in which they came"),
}
"""What the broker refuses for one, with what it is when not given, and why."""
MOST_SECONDS: Final = 2**31 - 1
MOST_BYTES: Final = 2**63 - 1
MAX_QUEUE: Final = 255
"""Bytes in a queue's name (AMQP 0-9-1, 4.2.5.3)."""
MAX_EXCHANGE: Final = 127
"""Bytes in an exchange's name (AMQP 0-9-1, 1.1: exchange-name)."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Declare an exchange.

    name: at most 127 bytes. type: direct, topic, fanout, headers, or one of a plugin, as
    "x-delayed-message".
    durable: outlive a restart of the broker. auto_delete: go with the last binding.
    internal: take messages from other exchanges alone. arguments: whatever else the broker knows.
    Raises: ConfigurationError
    """

    name: str
    type: str = "direct"
    durable: bool = True
    auto_delete: bool = False
    internal: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        checked_name("exchange", self.name, MAX_EXCHANGE)
        subject = f"exchange {self.name!r}"
        is_plugins = isinstance(self.type, str) and self.type.startswith("x-")
        if self.type not in EXCHANGE_TYPES and not is_plugins:
            hint = suggestion(self.type, EXCHANGE_TYPES)
            raise ConfigurationError(f"{subject}: type {self.type!r} is unknown: {hint}")
        for name in ("durable", "auto_delete", "internal"):
            checked_flag(subject, name, getattr(self, name))
        _set(self, "arguments", checked_arguments(subject, self.arguments))


@dataclass(frozen=True, slots=True)
class Binding:
    """Have an exchange put into a queue what it gets under a routing key.

    exchange: the name of one that exists, or an Exchange, which is declared. routing_key: a pattern
    where the exchange is a topic. arguments: what a headers exchange matches.
    Raises: ConfigurationError
    """

    exchange: str | Exchange
    routing_key: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.exchange, Exchange):
            checked_name("exchange", self.exchange, MAX_EXCHANGE, is_ours=False)
        short_text("binding: routing_key", self.routing_key, MAX_QUEUE)
        _set(self, "arguments", checked_arguments("binding", self.arguments))

    @property
    def exchange_name(self) -> str:
        """Return the name of the exchange, however it was given."""
        return self.exchange if isinstance(self.exchange, str) else self.exchange.name


@dataclass(frozen=True, slots=True)
class Queue:
    """Declare a queue, and what it needs.

    name: at most 255 bytes. type: classic, quorum or stream; the broker's own default when left
    out. bind: its bindings; others that it has stay. ttl: seconds that a message may wait in it.
    max_length, max_bytes: the most messages, and bytes of their bodies, in it; the oldest make
    room. A stream keeps what was read, and has the second alone.
    max_age: of a stream: seconds after which a message may go. The broker drops whole segments, and
    none that it still writes to, so that a stream may hold more and older ones.
    delivery_limit: of a quorum queue: how often a message may come back before the broker drops or
    dead-letters it; -1 for any number. Without one the worker sees to it that none is dropped.
    durable: outlive a restart of the broker. auto_delete: go with the last consumer.
    single_active_consumer: have one consumer at a time, whichever came first; when it leaves, the
    next one has all. Thus order is kept among several workers.
    max_priority: of a classic queue: how high a message's priority counts, up to 255; each level
    takes memory, and few are enough. A quorum queue has priorities by itself.
    arguments: whatever else the broker knows.
    dead_letter: where messages go that are rejected, too old or too many. True: to a queue
    `NAME.dead`, declared beside it; a name: to that queue, which exists; a Queue or an Exchange: to
    that one, which is declared.
    Raises: ConfigurationError
    """

    name: str
    type: str | None = None
    bind: Sequence[Binding] = ()
    dead_letter: bool | str | Queue | Exchange | None = None
    ttl: float | None = None
    max_length: int | None = None
    delivery_limit: int | None = None
    durable: bool = True
    auto_delete: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)
    single_active_consumer: bool = False
    max_priority: int | None = None
    max_age: float | None = None
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        checked_name("queue", self.name, MAX_QUEUE)
        subject = f"queue {self.name!r}"
        self._check_type(subject)
        self._check_bind(subject)
        self._check_dead_letter(subject)
        if self.ttl is not None:
            checked_seconds(f"{subject}: ttl", self.ttl)
        if self.max_length is not None:
            checked_count(f"{subject}: max_length", self.max_length)
        if self.max_bytes is not None:
            checked_count(f"{subject}: max_bytes", self.max_bytes, MOST_BYTES)
        self._check_max_age(subject)
        self._check_delivery_limit(subject)
        self._check_max_priority(subject)
        if self.type == STREAM:
            self._check_stream(subject)
        for name in ("durable", "auto_delete", "single_active_consumer"):
            checked_flag(subject, name, getattr(self, name))
        # These arguments have names here: one of them twice would be a riddle.
        own = self._own_arguments()
        _set(self, "arguments", checked_arguments(subject, self.arguments, own))

    @property
    def dead_queue(self) -> Queue | None:
        """Return the queue that is declared for its dead letters."""
        if self.dead_letter is True:
            return Queue(f"{self.name}.dead", self.type, durable=self.durable)
        return self.dead_letter if isinstance(self.dead_letter, Queue) else None

    @property
    def all_arguments(self) -> dict[str, Any]:
        """Return the arguments as the broker takes them: times in milliseconds."""
        return {**self.arguments, **self._own_arguments()}

    @property
    def is_stream(self) -> bool:
        """Tell a stream, which keeps what was read, from a queue."""
        return bool(self.all_arguments.get("x-queue-type") == STREAM)

    @property
    def stated_limit(self) -> int | None:
        """Return how often messages may come back: -1 for any number, None if nothing is said."""
        stated: int | None = self.all_arguments.get(DELIVERY_LIMIT)
        return stated

    def _own_arguments(self) -> dict[str, Any]:
        values = {
            "x-queue-type": self.type,
            TTL: None if self.ttl is None else round(self.ttl * 1000),
            "x-max-length": self.max_length,
            "x-max-length-bytes": self.max_bytes,
            "x-max-age": None if self.max_age is None else f"{ceil(self.max_age)}s",
            DELIVERY_LIMIT: self.delivery_limit,
            # Said as False it would be another queue than one of which nothing is said.
            SINGLE_ACTIVE: self.single_active_consumer or None,
            "x-max-priority": self.max_priority,
            **self._dead_letter_arguments(),
        }
        return {name: value for name, value in values.items() if value is not None}

    def _dead_letter_arguments(self) -> dict[str, str]:
        if not self.dead_letter:
            return {}
        if isinstance(self.dead_letter, Exchange):
            return {DEAD_LETTER_EXCHANGE: self.dead_letter.name}
        queue = self.dead_queue
        name = str(self.dead_letter) if queue is None else queue.name
        return {DEAD_LETTER_EXCHANGE: "", "x-dead-letter-routing-key": name}

    def _check_type(self, subject: str) -> None:
        if self.type is None:
            return
        if self.type not in QUEUE_TYPES:
            hint = suggestion(self.type, QUEUE_TYPES)
            raise ConfigurationError(f"{subject}: type {self.type!r} is unknown: {hint}")
        if self.type == "quorum" and not (self.durable is True and self.auto_delete is False):
            raise ConfigurationError(
                f"{subject}: a quorum queue is durable and stays: "
                "leave out durable= and auto_delete="
            )

    def _check_delivery_limit(self, subject: str) -> None:
        if self.delivery_limit is None:
            return
        if self.type != "quorum":
            reason = "delivery_limit is for quorum queues: give it type='quorum'"
            raise ConfigurationError(f"{subject}: {reason}")
        if self.delivery_limit != UNLIMITED:
            checked_count(f"{subject}: delivery_limit", self.delivery_limit)

    def _check_max_priority(self, subject: str) -> None:
        if self.max_priority is None:
            return
        if self.type == "quorum":
            reason = "a quorum queue has priorities by itself: leave out max_priority="
            raise ConfigurationError(f"{subject}: {reason}")
        checked_count(f"{subject}: max_priority", self.max_priority, HIGHEST_PRIORITY)

    def _check_max_age(self, subject: str) -> None:
        if self.max_age is None:
            return
        if self.type != STREAM:
            reason = "max_age is for streams: give it type='stream', or say ttl="
            raise ConfigurationError(f"{subject}: {reason}")
        if not is_number(self.max_age) or not 1 <= self.max_age <= MOST_SECONDS:
            reason = f"must be a number of seconds from 1 to {MOST_SECONDS}"
            raise ConfigurationError(f"{subject}: max_age {reason}, got {self.max_age!r}")

    def _check_stream(self, subject: str) -> None:
        for name, (usual, instead) in NOT_OF_STREAMS.items():
            if getattr(self, name) != usual:
                raise ConfigurationError(
                    f"{subject}: a stream {instead}: leave out {name}={getattr(self, name)!r}"
                )

    def _check_bind(self, subject: str) -> None:
        if isinstance(self.bind, Binding):
            raise ConfigurationError(f"{subject}: bind must be a list: write bind=[Binding(...)]")
        if not isinstance(self.bind, (list, tuple)):
            raise ConfigurationError(f"{subject}: bind must be a list, got {self.bind!r}")
        for one in self.bind:
            if not isinstance(one, Binding):
                raise ConfigurationError(f"{subject}: bind must hold Bindings, got {one!r}")
        _set(self, "bind", tuple(self.bind))

    def _check_dead_letter(self, subject: str) -> None:
        if isinstance(self.dead_letter, str):
            checked_name("queue", self.dead_letter, MAX_QUEUE, is_ours=False)
        elif not isinstance(self.dead_letter, bool | Queue | Exchange | None):
            reason = "must be True, a queue's name, a Queue or an Exchange"
            raise ConfigurationError(f"{subject}: dead_letter {reason}, got {self.dead_letter!r}")
        if self.dead_letter is True:
            checked_name("queue", f"{self.name}.dead", MAX_QUEUE)


def _set(one: object, name: str, value: object) -> None:
    """Hold a value in the form that was checked; who made the object sees it frozen."""
    object.__setattr__(one, name, value)
