import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import aio_pika
import pytest
from aio_pika import Connection
from aio_pika.abc import AbstractChannel
from yarl import URL

from asyncworker import App
from asyncworker.rabbitmq import AMQPConnection
from asyncworker.rabbitmq.memory.broker import forget
from asyncworker.rabbitmq.memory.transport import MemoryConnection
from scripts.rabbitmq.private import VARIABLE
from scripts.rabbitmq.probe import version_of

MEMORY = "memory://tests"
NEWEST = (4, 3)
"""The RabbitMQ that the broker in memory is like."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Show each of the ways that messages go to behave the same.

    In memory too, but for tests that do to a node what only a node can have done to it.
    """
    if "path" in metafunc.fixturenames:
        paths = [
            "wire",
            "library",
            *(() if "private_node" in metafunc.fixturenames else ["memory"]),
        ]
        metafunc.parametrize("path", paths, indirect=True)


@pytest.fixture
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """One of the ways that messages go."""
    monkeypatch.setenv("ASYNCWORKER_RABBITMQ_WIRE", str(request.param != "library"))
    return str(request.param)


@pytest.fixture
def amqp_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The broker that the test talks to."""
    if "path" in request.fixturenames and request.getfixturevalue("path") == "memory":
        yield MEMORY
        forget(MEMORY.removeprefix("memory://"))
    else:
        yield os.environ.get(VARIABLE) or request.getfixturevalue("private_node").url


@pytest.fixture
def broker_version(amqp_url: str) -> tuple[int, ...]:
    """The version of that broker; one in memory is like the newest."""
    return NEWEST if amqp_url == MEMORY else version_of(amqp_url)


async def connect(url: str) -> Connection:
    """Connect as a client that knows nothing of asyncworker."""
    if url != MEMORY:
        return await aio_pika.connect(url)
    connection = MemoryConnection(URL("amqp://guest:guest@tests/"))
    await connection.connect()
    return connection


@pytest.fixture
def connection(amqp_url: str) -> AMQPConnection:
    return AMQPConnection(url=amqp_url)


@pytest.fixture
def app(connection: AMQPConnection) -> App:
    return App(connections=[connection])


@pytest.fixture
async def admin(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    """A channel of the test's own, by which it sees the broker from outside."""
    async with await connect(amqp_url) as connection, connection.channel() as channel:
        yield channel


@pytest.fixture
async def declare(amqp_url: str) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Declares a queue under a new name, deleted at the end of the test."""
    async with await connect(amqp_url) as connection, connection.channel() as channel:
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
