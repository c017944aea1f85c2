"""The two brokers that have one contract."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiormq.abc import AbstractChannel

from asyncworker.rabbitmq.memory.broker import forget
from asyncworker.rabbitmq.memory.transport import MemoryFactory
from tests.contract.client import LIMIT, Broker


@pytest.fixture(params=["memory", "rabbitmq"])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[Broker]:
    """Each of the two: RabbitMQ is the judge of what the other has to do."""
    if request.param == "memory":
        broker = Broker("amqp://guest:guest@contract:1/", MemoryFactory())
    else:
        broker = Broker(request.getfixturevalue("amqp_url"), None)
    yield broker
    async with asyncio.timeout(LIMIT):
        await broker.clear()
    forget("contract")


@pytest.fixture
async def channel(broker: Broker) -> AbstractChannel:
    return await broker.channel()
