"""The two brokers that have one contract."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiormq.abc import AbstractChannel

from asyncworker.rabbitmq.memory.broker import forget
from asyncworker.rabbitmq.memory.transport import MemoryFactory
from tests.contract.client import LIMIT, Broker

NEWEST = (4, 3)
"""The version that the broker in memory behaves like."""


@pytest.fixture(params=["memory", "rabbitmq"])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[Broker]:
    """Each of the two: RabbitMQ is the judge of what the other has to do."""
    if request.param == "memory":
        broker = Broker("amqp://guest:guest@contract:1/", MemoryFactory(), NEWEST)
    else:
        url = request.getfixturevalue("amqp_url")
        broker = Broker(url, None, request.getfixturevalue("broker_version"))
    yield broker
    async with asyncio.timeout(LIMIT):
        await broker.clear()
    forget("contract")


@pytest.fixture
async def channel(broker: Broker) -> AbstractChannel:
    return await broker.channel()


@pytest.fixture
def since_4(broker: Broker) -> None:
    """For what older brokers do not have."""
    if broker.version < (4,):
        pytest.skip("since RabbitMQ 4.0")


@pytest.fixture
def since_4_3(broker: Broker) -> None:
    """For what older brokers do not have."""
    if broker.version < (4, 3):
        pytest.skip("since RabbitMQ 4.3")
