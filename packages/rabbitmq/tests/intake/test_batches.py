"""Batches by key and by bytes, on any path."""

import json

import pytest

from asyncworker import App, Options, RouteTypes
from asyncworker.rabbitmq import AMQPConnection

pytestmark = pytest.mark.usefixtures("path")


def served(app, queue, handler, **options):
    given = {Options[name]: one for name, one in options.items()}
    app.route([queue], type=RouteTypes.AMQP_RABBITMQ, options=given)(handler)


def bodies(*values):
    return [json.dumps(value).encode() for value in values]


async def taken(inbox, count):
    return [[message.body for message in await inbox.batch()] for _ in range(count)]


async def test_a_batch_holds_one_key(app, inbox, queue, publish):
    await publish(queue, *bodies("a1", "b1", "a2", "b2", "a3"))
    served(
        app,
        queue,
        inbox,
        BULK_BY=lambda message: message.body[0],
        BULK_SIZE=2,
        BULK_FLUSH_INTERVAL=0.1,
    )
    async with app.started():
        assert await taken(inbox, 3) == [["a1", "a2"], ["b1", "b2"], ["a3"]]


async def test_a_batch_holds_one_value_of_a_header(app, inbox, queue, publish):
    for number, tenant in enumerate("xyxy"):
        await publish(queue, *bodies(number), headers={"tenant": tenant})
    served(app, queue, inbox, BULK_BY="tenant", BULK_SIZE=2)
    async with app.started():
        assert await taken(inbox, 2) == [[0, 2], [1, 3]]


async def test_many_keys_wait_no_longer_than_there_is_room(amqp_url, inbox, queue, publish):
    app = App(connections=[AMQPConnection(url=amqp_url, prefetch=10)])
    await publish(queue, *bodies(*range(12)))
    served(app, queue, inbox, BULK_BY=lambda message: message.body, BULK_SIZE=5)
    async with app.started():
        # Nothing else would ever come, and each waits for a minute.
        assert await taken(inbox, 3) == [[0], [1], [2]]


async def test_a_batch_goes_out_before_it_has_too_many_bytes(app, inbox, queue, publish):
    await publish(queue, *bodies("123", "123", "123456789", "1", "12345"))
    served(app, queue, inbox, BULK_BYTES=10, BULK_SIZE=100, BULK_FLUSH_INTERVAL=0.1)
    async with app.started():
        assert await taken(inbox, 3) == [["123", "123"], ["123456789"], ["1", "12345"]]
