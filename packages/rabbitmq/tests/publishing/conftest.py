"""A connection that is open, and what a queue holds."""

import pytest

from asyncworker.rabbitmq import AMQPConnection


@pytest.fixture
async def connection(amqp_url):
    async with AMQPConnection(url=amqp_url) as connection:
        yield connection


@pytest.fixture
def get(admin):
    async def get(queue):
        found = await admin.get_queue(queue)
        return await found.get(no_ack=True)

    return get
