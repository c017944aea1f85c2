import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from asyncworker import App
from asyncworker.rabbitmq import AMQPConnection, RabbitMQMessage

LIMIT = 60.0
"""Seconds that anything may take on a busy machine before a test gives up waiting for it."""


@dataclass
class Inbox:
    """A handler that keeps the batches it is given, and hands them to the test."""

    batches: asyncio.Queue[list[RabbitMQMessage]] = field(default_factory=asyncio.Queue)

    async def __call__(self, messages: list[RabbitMQMessage]) -> None:
        self.batches.put_nowait(messages)

    async def batch(self) -> list[RabbitMQMessage]:
        async with asyncio.timeout(LIMIT):
            return await self.batches.get()

    async def bodies(self, count: int) -> list[Any]:
        """The next `count` bodies, whatever batches they come in, sorted."""
        bodies: list[Any] = []
        while len(bodies) < count:
            bodies += [message.body for message in await self.batch()]
        return sorted(bodies)


class LogWaiter(logging.Handler):
    """Collects log records, and lets a test wait for one."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self._changed = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self._changed.set()

    def matching(self, text: str) -> list[logging.LogRecord]:
        return [record for record in self.records if text in record.getMessage()]

    async def wait(self, text: str, count: int = 1) -> logging.LogRecord:
        async with asyncio.timeout(LIMIT):
            while len(self.matching(text)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.matching(text)[count - 1]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def limit() -> float:
    return LIMIT


@pytest.fixture
def logs() -> Iterator[LogWaiter]:
    waiter = LogWaiter()
    logger = logging.getLogger("asyncworker")
    logger.addHandler(waiter)
    logger.setLevel(logging.DEBUG)
    yield waiter
    logger.removeHandler(waiter)
    logger.setLevel(logging.NOTSET)


@pytest.fixture
def connection(amqp_url: str) -> AMQPConnection:
    return AMQPConnection(url=amqp_url)


@pytest.fixture
def app(connection: AMQPConnection) -> App:
    return App(connections=[connection])


@pytest.fixture
async def admin(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    """A channel of the test's own, by which it sees the broker from outside."""
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        yield channel


@pytest.fixture
async def declare(amqp_url: str) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Declares a queue under a new name, deleted at the end of the test."""
    async with await aio_pika.connect(amqp_url) as connection, connection.channel() as channel:
        names: list[str] = []

        async def declare(name: str | None = None, **arguments: Any) -> str:
            name = name or f"test-{uuid.uuid4().hex[:12]}"
            await channel.declare_queue(name, durable=True, arguments=arguments)
            names.append(name)
            return name

        yield declare
        for name in names:
            await channel.queue_delete(name)


@pytest.fixture
async def queue(declare: Callable[..., Awaitable[str]]) -> str:
    return await declare()


@pytest.fixture
def publish(admin: AbstractChannel) -> Callable[..., Awaitable[None]]:
    """Publishes raw bodies, by the library alone."""

    async def publish(queue: str, *bodies: bytes, **properties: Any) -> None:
        for body in bodies:
            message = aio_pika.Message(body, **properties)
            await admin.default_exchange.publish(message, routing_key=queue)

    return publish


@pytest.fixture
def depth(admin: AbstractChannel) -> Callable[[str], Awaitable[int]]:
    """How many messages a queue holds, delivered ones left out."""

    async def depth(queue: str) -> int:
        found = await admin.declare_queue(queue, passive=True)
        return found.declaration_result.message_count or 0

    return depth
