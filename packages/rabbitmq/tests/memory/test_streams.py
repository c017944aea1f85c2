"""Streams in memory: what they forget, and what a test sees of them."""

import pytest

from asyncworker import App, RouteTypes
from asyncworker.rabbitmq import AMQPConnection, Queue
from asyncworker.testing import TestApp


@pytest.fixture
def read():
    return []


def app_of(read, **said):
    app = App(connections=[AMQPConnection(url="memory://")])

    @app.route([Queue("visits", type="stream", **said)], type=RouteTypes.AMQP_RABBITMQ)
    async def handler(messages):
        read.extend((message.offset, message.body) for message in messages)

    return app


async def test_a_message_goes_when_it_is_too_old(read):
    async with TestApp(app_of(read, max_age=60)) as worker:
        await worker.publish("old", "visits")
        await worker.idle()
        await worker.advance(30)
        await worker.publish("young", "visits")
        await worker.idle()
        assert worker.queue("visits").bodies == ["old", "young"]
        await worker.advance(40)
        assert worker.queue("visits").bodies == ["young"]
        await worker.advance(40)
        assert worker.queue("visits").bodies == []
    assert read == [(0, "old"), (1, "young")]


async def test_the_oldest_make_room(read):
    async with TestApp(app_of(read, max_bytes=20)) as worker:
        for number in range(5):
            await worker.publish(b"12345" + str(number).encode(), "visits")
        await worker.idle()
        assert worker.queue("visits").bodies == [b"123452", b"123453", b"123454"]
    assert [offset for offset, _ in read] == [0, 1, 2, 3, 4]


async def test_it_is_idle_when_all_is_read(read):
    async with TestApp(app_of(read)) as worker:
        for number in range(500):
            await worker.publish(number, "visits")
        await worker.idle()
        assert [body for _, body in read] == list(range(500))
        assert [one.outcome for one in worker.messages] == ["acked"] * 500


async def test_nothing_comes_twice(read):
    async with TestApp(app_of(read), twice=True) as worker:
        await worker.publish(1, "visits")
        await worker.idle()
    assert read == [(0, 1)]


async def test_it_goes_on_after_a_lost_connection(read):
    async with TestApp(app_of(read)) as worker:
        await worker.publish(1, "visits")
        await worker.idle()
        await worker.lose_connection()
        await worker.publish(2, "visits")
        await worker.idle()
    assert read == [(0, 1), (1, 2)]
