"""What a subject is told to do: plain data, sent to its process as JSON.

Subjects of all environments read this file, so that it needs nothing but the standard library.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Self
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Consume:
    """Consume queues that are full already, and read each body.

    queues: one route for each. model: what the handler takes the bodies as, one of models/; without
    it as JSON has them. pause: seconds that the handler awaits. latency: bodies say when they were
    sent. endless: end by SIGTERM rather than after `count`. keys: how many keys messages have, for
    those that keep them in order.
    """

    url: str
    queues: tuple[str, ...]
    warmup: int
    count: int
    bulk: int = 1
    prefetch: int = 256
    model: str = ""
    pause: float = 0.0
    latency: bool = False
    endless: bool = False
    keys: int = 1_000

    @property
    def queue(self) -> str:
        """Return the only queue."""
        (queue,) = self.queues
        return queue


@dataclass(frozen=True, kw_only=True)
class Forward(Consume):
    """Change each body, publish it persistently, and acknowledge its message after the confirm.

    target: the queue that it is published to, by the default exchange.
    """

    target: str


@dataclass(frozen=True, kw_only=True)
class Beside(Consume):
    """Consume a queue in turns, plainly and with something more.

    warmup, count: of each piece. pieces: how many make a slice; the other's are between them.
    slices: how many each of both takes.
    """

    slices: int
    pieces: int


@dataclass(frozen=True)
class Publish:
    """Publish persistent messages, and wait for the confirm of each.

    in_flight: how many wait for their confirm at once. bulk: how many of them are given to one
    call, by those who have such a call.
    """

    url: str
    queue: str
    warmup: int
    count: int
    size: int
    in_flight: int
    bulk: int = 1


@dataclass(frozen=True)
class Ask(Publish):
    """Send questions, and read the body of each answer.

    in_flight: how many wait for their answer at once.
    """


@dataclass(frozen=True)
class Serve:
    """Serve HTTP on a port of 127.0.0.1 until SIGTERM.

    routes: how many paths there are beside those that are asked for.
    """

    port: int
    routes: int = 0


@dataclass(frozen=True)
class Follow:
    """Follow an event stream, and decode the JSON of each event."""

    url: str
    path: str
    warmup: int
    count: int
    bulk: int = 1


@dataclass(frozen=True)
class Clock:
    """Time an empty block with Timeit."""

    warmup: int
    count: int


@dataclass(frozen=True)
class Idle:
    """Run a worker that has nothing to do.

    url, queue: of RabbitMQ. everything: serve HTTP on `port` too, and follow `events`, the address
    of a stream that sends nothing, as far as the subject can. seconds: for how long to read the
    clocks, once it has settled.
    """

    url: str
    queue: str
    events: str
    port: int
    everything: bool = False
    seconds: int = 0


Job = Consume | Forward | Beside | Publish | Ask | Serve | Follow | Clock | Idle
KINDS: dict[str, Callable[..., Job]] = {
    kind.__name__.lower(): kind
    for kind in (Consume, Forward, Beside, Publish, Ask, Serve, Follow, Clock, Idle)
}


def name(job: Job) -> str:
    """Return the name of the function that does the job."""
    return type(job).__name__.lower()


def dump(job: Job) -> str:
    """Return the job as JSON."""
    return json.dumps({"job": name(job), **asdict(job)})


def load(text: str) -> Job:
    """Return the job that the JSON says."""
    fields: dict[str, Any] = json.loads(text)
    if "queues" in fields:
        fields["queues"] = tuple(fields["queues"])
    return KINDS[fields.pop("job")](**fields)


@dataclass(frozen=True)
class Address:
    """Hold an AMQP URL in parts, for those who do not take it in one."""

    host: str
    port: int
    user: str
    password: str
    vhost: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Take a URL apart; what it leaves out is RabbitMQ's default."""
        parts = urlsplit(url)
        return cls(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 5672,
            user=unquote(parts.username or "guest"),
            password=unquote(parts.password or "guest"),
            vhost=unquote(parts.path[1:]) or "/",
        )
