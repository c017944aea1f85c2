"""A client that knows nothing of asyncworker, on a broker in memory and on RabbitMQ."""

import asyncio
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiormq
from aiormq import spec
from aiormq.abc import AbstractChannel, AbstractConnection, DeliveredMessage

from asyncworker.rabbitmq.amqp.methods import REPLY_TO

LIMIT = 60.0


@dataclass
class Broker:
    """One of the two, and what a test has opened and declared there."""

    url: str
    factory: Any
    version: tuple[int, ...]
    """That of RabbitMQ, which the one in memory behaves like."""
    connections: list[AbstractConnection] = field(default_factory=list)
    declared: list[tuple[str, str]] = field(default_factory=list)

    async def connect(self) -> AbstractConnection:
        connection = aiormq.Connection(self.url, transport_factory=self.factory)
        await connection.connect()
        self.connections.append(connection)
        return connection

    async def channel(self, *, confirms: bool = True) -> AbstractChannel:
        """A channel on a connection of its own."""
        return await (await self.connect()).channel(publisher_confirms=confirms)

    def name(self) -> str:
        return f"test-{uuid.uuid4().hex[:12]}"

    async def queue(self, channel: AbstractChannel, *, durable: bool = True, **options: Any) -> str:
        """The name of a new queue."""
        name = self.name()
        self.declared.append(("queue", name))
        arguments = {
            f"x-{key.replace('_', '-')}": options.pop(key)
            for key in list(options)
            if key not in ("exclusive", "auto_delete")
        }
        await channel.queue_declare(name, durable=durable, arguments=arguments, **options)
        return name

    async def exchange(self, channel: AbstractChannel, type: str, **options: Any) -> str:
        """The name of a new exchange."""
        name = self.name()
        self.declared.append(("exchange", name))
        await channel.exchange_declare(name, exchange_type=type, **options)
        return name

    async def clear(self) -> None:
        # First, as what is exclusive to one is out of reach of any other.
        for connection in self.connections:
            await connection.close()
        channel = await self.channel()
        for kind, name in self.declared:
            await (channel.queue_delete if kind == "queue" else channel.exchange_delete)(name)
        await channel.connection.close()


class Arrivals:
    """What a consumer is given."""

    def __init__(self, channel: AbstractChannel, queue: str) -> None:
        self.messages: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
        self.tag = ""
        self._channel = channel
        self._queue = queue

    @classmethod
    async def of(cls, channel: AbstractChannel, queue: str, **options: Any) -> "Arrivals":
        arrivals = cls(channel, queue)
        answer = await channel.basic_consume(queue, arrivals._take, **options)
        arrivals.tag = answer.consumer_tag
        return arrivals

    async def _take(self, message: DeliveredMessage) -> None:
        self.messages.put_nowait(message)

    async def next(self) -> DeliveredMessage:
        async with asyncio.timeout(LIMIT):
            return await self.messages.get()

    async def bodies(self, count: int) -> list[bytes]:
        return [(await self.next()).body for _ in range(count)]

    async def waiting(self) -> list[bytes]:
        """Return what is here once all is that the broker sent before now."""
        # The queue answers behind what it has delivered.
        await self._channel.queue_declare(self._queue, passive=True)
        for _ in range(20):
            await asyncio.sleep(0)
        return [self.messages.get_nowait().body for _ in range(self.messages.qsize())]


async def publish(channel: AbstractChannel, queue: str, *bodies: bytes, **properties: Any) -> None:
    """Publish to a queue, and wait for the confirm of each."""
    for body in bodies:
        await channel.basic_publish(
            body, routing_key=queue, properties=spec.Basic.Properties(**properties)
        )


async def take(channel: AbstractChannel, queue: str, **options: Any) -> DeliveredMessage:
    """The first message, once there is one: what was put back, or dead-lettered, takes a while."""
    async with asyncio.timeout(LIMIT):
        while True:
            found = await channel.basic_get(queue, **options)
            if not isinstance(found.delivery, spec.Basic.GetEmpty):
                return found


async def get(channel: AbstractChannel, queue: str, *, no_ack: bool = True) -> bytes | None:
    """The body of the first message, or None."""
    found = await channel.basic_get(queue, no_ack=no_ack)
    return None if isinstance(found.delivery, spec.Basic.GetEmpty) else found.body


async def bodies_in(channel: AbstractChannel, queue: str) -> list[bytes]:
    """All that waits in a queue, taken."""
    bodies = []
    while (body := await get(channel, queue)) is not None:
        bodies.append(body)
    return bodies


async def depth(channel: AbstractChannel, queue: str) -> int:
    """How many messages wait in a queue."""
    return (await channel.queue_declare(queue, passive=True)).message_count


async def address_of(channel: AbstractChannel, queue: str) -> str:
    """Where the answer goes to what is asked on a channel that consumes answers."""
    await publish(channel, queue, b"", reply_to=REPLY_TO)
    found = await take(channel, queue, no_ack=True)
    return str(found.header.properties.reply_to)


async def until_answers_come(channel: AbstractChannel, queue: str) -> None:
    """Wait for a broker that has just started: RabbitMQ 4.0 drops answers, and does not say so."""
    arrivals = await Arrivals.of(channel, REPLY_TO, no_ack=True)
    address = await address_of(channel, queue)
    async with asyncio.timeout(LIMIT):
        while True:
            await publish(channel, address, b"")
            with suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await arrivals.messages.get()
                    return


async def end_of(one: AbstractChannel | AbstractConnection) -> str:
    """What the broker says as it closes a channel or a connection."""
    async with asyncio.timeout(LIMIT):
        await asyncio.wait([one.closing])
    error = one.closing.exception()
    return str(error.args[0] if error.args else error)


async def until_deep(channel: AbstractChannel, queue: str, count: int) -> None:
    """Wait for what nothing tells: settlements, and the end of a connection, have no answer."""
    async with asyncio.timeout(LIMIT):
        while await depth(channel, queue) < count:
            pass


async def until_shallow(channel: AbstractChannel, queue: str, count: int) -> None:
    """Wait until no more than so many messages wait in a queue."""
    async with asyncio.timeout(LIMIT):
        while await depth(channel, queue) > count:
            pass
