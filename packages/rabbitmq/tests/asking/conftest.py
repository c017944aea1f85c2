"""A node that brings answers, a connection to it, and somebody who answers."""

import asyncio

import aio_pika
import aiormq
import pytest

from asyncworker.rabbitmq import AMQPConnection
from tests.contract.client import LIMIT, until_answers_come


@pytest.fixture(autouse=True)
async def brings_answers(amqp_url):
    if amqp_url.startswith("memory:"):
        return
    connection = await aiormq.connect(amqp_url)
    channel = await connection.channel()
    declared = await channel.queue_declare(exclusive=True)
    await until_answers_come(channel, declared.queue)
    await connection.close()


@pytest.fixture
async def connection(amqp_url):
    async with AMQPConnection(url=amqp_url) as connection:
        yield connection


@pytest.fixture
async def questions(admin, queue):
    """What is asked in the queue, for the test to answer."""
    asked = asyncio.Queue()
    await (await admin.get_queue(queue)).consume(asked.put, no_ack=True)

    async def next_one():
        async with asyncio.timeout(LIMIT):
            return await asked.get()

    return next_one


@pytest.fixture
def answer(admin):
    """Answers a question."""

    async def answer(question, body=b"null", **properties):
        properties = {"correlation_id": question.correlation_id, **properties}
        message = aio_pika.Message(body, **properties)
        await admin.default_exchange.publish(message, question.reply_to, mandatory=False)

    return answer
