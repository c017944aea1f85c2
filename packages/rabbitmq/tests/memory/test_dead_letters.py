"""Dead letters that a queue keeps until another one has them, as RabbitMQ does."""

import pytest

from asyncworker.rabbitmq import AMQPConnection
from asyncworker.rabbitmq.memory.broker import broker, forget
from asyncworker.rabbitmq.memory.queue import SEND_AGAIN

NAME = "keeping"
KEEPS = {
    "x-queue-type": "quorum",
    "x-overflow": "reject-publish",
    "x-dead-letter-strategy": "at-least-once",
    "x-dead-letter-exchange": "dead",
    "x-message-ttl": 1000,
}


@pytest.fixture
async def connection():
    async with AMQPConnection(url=f"memory://{NAME}") as connection:
        yield connection
    forget(NAME)


def depth(queue):
    return broker(NAME).vhost("/").queues[queue].depth


async def declare(connection, queue, **arguments):
    async with connection.channel() as channel:
        await channel.declare_queue(queue, durable=True, arguments=arguments)


async def bind(connection, exchange, queue):
    """Have an exchange, and have it send all to a queue."""
    async with connection.channel() as channel:
        declared = await channel.declare_exchange(exchange, "fanout")
        await (await channel.get_queue(queue)).bind(declared)


async def test_come_to_an_exchange_that_was_missing(connection):
    await declare(connection, "source", **KEEPS)
    await declare(connection, "target")
    await connection.put(1, "source")
    broker(NAME).advance(2)
    await bind(connection, "dead", "target")
    assert (depth("source"), depth("target")) == (0, 0)
    broker(NAME).advance(SEND_AGAIN - 2)
    assert depth("target") == 0
    broker(NAME).advance(2)
    assert depth("target") == 1


async def test_come_to_a_queue_that_was_full(connection):
    await declare(connection, "source", **KEEPS)
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    await declare(connection, "target", **full)
    await bind(connection, "dead", "target")
    for number in range(2):
        await connection.put(number, "source")
    broker(NAME).advance(1)
    assert depth("target") == 1
    broker(NAME).vhost("/").queues["target"].purge()
    broker(NAME).advance(SEND_AGAIN)
    assert depth("target") == 1


@pytest.mark.parametrize("missing", ["x-queue-type", "x-overflow", "x-dead-letter-strategy"])
async def test_are_lost_where_the_queue_is_not_made_to_keep_them(connection, missing):
    arguments = {name: value for name, value in KEEPS.items() if name != missing}
    if missing == "x-queue-type":
        del arguments["x-dead-letter-strategy"]
    await declare(connection, "source", **arguments)
    await declare(connection, "target")
    await connection.put(1, "source")
    broker(NAME).advance(2)
    await bind(connection, "dead", "target")
    broker(NAME).advance(2 * SEND_AGAIN)
    assert (depth("source"), depth("target")) == (0, 0)


async def test_go_with_the_queue_that_keeps_them(connection):
    await declare(connection, "source", **KEEPS)
    await declare(connection, "target")
    await connection.put(1, "source")
    broker(NAME).advance(2)
    async with connection.channel() as channel:
        await channel.queue_delete("source")
    await bind(connection, "dead", "target")
    broker(NAME).advance(2 * SEND_AGAIN)
    assert depth("target") == 0
