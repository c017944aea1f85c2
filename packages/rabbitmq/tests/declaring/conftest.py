"""A name for what a test has declared, and whether a queue exists."""

import uuid

import aio_pika
import pytest


@pytest.fixture
async def name(admin):
    """A name for what a test has declared; all that begins with it is deleted at the end."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    for suffix in ("", ".dead", ".other"):
        await admin.queue_delete(name + suffix)
        await admin.exchange_delete(name + suffix)


@pytest.fixture
def exists(amqp_url):
    async def exists(queue):
        async with await aio_pika.connect(amqp_url) as connection:
            channel = await connection.channel()
            try:
                await channel.declare_queue(queue, passive=True)
            except aio_pika.exceptions.ChannelNotFoundEntity:
                return False
            return True

    return exists
