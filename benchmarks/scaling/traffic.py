"""A process that publishes or consumes: python -m benchmarks.scaling.traffic publish|consume JOB.

Prints what it did as one line of JSON, the last one of its stdout.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import cycle, islice
from typing import Any, Final, Self

from asyncworker import App, Options, RouteTypes
from asyncworker.connections import AMQPConnection
from asyncworker.rabbitmq import Message
from benchmarks.messages import USUAL, body
from benchmarks.window import Result

READY: Final = "ready"
BULK: Final = 100
SENDERS: Final = 8
TOGETHER: Final = 250
"""Messages of one call of `put_many()`; as many senders as above have one under way."""
PREFETCH: Final = 1_000
FLUSH: Final = 0.1


@dataclass(frozen=True)
class Traffic:
    """Say what is published or consumed. queues: they take turns. count: of what is published."""

    url: str
    queues: tuple[str, ...]
    count: int = 0

    def dump(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Self:
        """Return what the JSON says."""
        fields: dict[str, Any] = json.loads(text)
        return cls(**fields | {"queues": tuple(fields["queues"])})


def publish(traffic: Traffic) -> Result:
    """Publish persistent messages once a line is read, each confirmed by the broker."""
    return asyncio.run(_publish(traffic))


async def _publish(traffic: Traffic) -> Result:
    turns, content = cycle(traffic.queues), body(USUAL)
    left = iter(range(traffic.count // TOGETHER))

    async with AMQPConnection(url=traffic.url) as connection:

        async def send() -> None:
            # The iterator is shared: each takes the next when its own are confirmed.
            for _ in left:
                names = islice(turns, TOGETHER)
                await connection.put_many([Message(content, routing_key=name) for name in names])

        # With it the connection is open, and its channel is.
        await connection.put(content, routing_key=traffic.queues[0])
        print(READY, flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        began = time.monotonic()
        await asyncio.gather(*(send() for _ in range(SENDERS)))
        sent = traffic.count // TOGETHER * TOGETHER + 1
        return {"messages": sent, "began": began, "ended": time.monotonic()}


def consume(traffic: Traffic) -> Result:
    """Consume until SIGTERM, reading each body."""
    app = App(connections=[AMQPConnection(url=traffic.url, prefetch=PREFETCH)])
    taken: Result = {"messages": 0, "began": 0.0, "ended": 0.0}

    @app.route(
        list(traffic.queues),
        type=RouteTypes.AMQP_RABBITMQ,
        options={Options.BULK_SIZE: BULK, Options.BULK_FLUSH_INTERVAL: FLUSH},
    )
    async def handler(messages: list[Any]) -> None:
        taken["messages"] += len([message.body for message in messages])
        taken["ended"] = time.monotonic()
        taken["began"] = taken["began"] or taken["ended"]

    app.run()
    return taken


DOING: Final[dict[str, Callable[[Traffic], Result]]] = {"publish": publish, "consume": consume}

if __name__ == "__main__":
    print(json.dumps(DOING[sys.argv[1]](Traffic.load(sys.argv[2]))), flush=True)
