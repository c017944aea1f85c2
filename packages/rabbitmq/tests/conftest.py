import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from asyncworker import App
from asyncworker.rabbitmq import AMQPConnection


@pytest.fixture(params=["wire", "library"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the two ways that messages go; modules that use it show both to behave the same."""
    monkeypatch.setenv("ASYNCWORKER_RABBITMQ_WIRE", str(request.param == "wire"))
    return str(request.param)


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
