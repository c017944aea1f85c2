"""One trace, from a request to what became of the message that it had published."""

import asyncio
import uuid

import aio_pika
import pytest
from aiohttp import ClientSession

from asyncworker import App, Events, RouteTypes
from asyncworker.rabbitmq import AMQPConnection, Queue, Retry
from asyncworker.rabbitmq.dead import DeadQueue
from asyncworker.rabbitmq.memory.broker import forget
from asyncworker.rabbitmq.retrying.waiting_queues import waiting_name

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"


@pytest.fixture(params=["broker", "memory"])
async def url(request):
    if request.param == "memory":
        yield "memory://traces"
        forget("traces")
    else:
        yield request.getfixturevalue("amqp_url")


@pytest.fixture
async def name(url):
    """The name of a queue, deleted with all that belongs to it."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    if not url.startswith("memory:"):
        async with await aio_pika.connect(url) as connection, connection.channel() as channel:
            for each in (name, f"{name}.dead", waiting_name(name, 100, is_quorum=False)):
                await channel.queue_delete(each)


@pytest.fixture
def connection(url):
    return AMQPConnection(url=url)


@pytest.fixture
def app(monkeypatch, connection, name, spans):
    """Publish what is posted; its handling fails until it is replayed."""
    monkeypatch.setenv("ASYNCWORKER_HTTP_PORT", "0")
    app = App(connections=[connection])
    app.trace(spans.provider)
    app["mended"] = False

    @app.http.post("/orders/{number}")
    async def order(number: int):
        await connection.put({"number": number}, name)

    @app.route(
        [Queue(name, dead_letter=True)],
        type=RouteTypes.AMQP_RABBITMQ,
        options={Events.ON_EXCEPTION: Retry(attempts=2, delay=0.1)},
    )
    async def bill(messages):
        if not app["mended"]:
            raise ValueError("no address")

    return app


async def test_follows_a_request_to_its_message_through_retry_dead_letter_and_replay(
    app, connection, name, spans, limit
):
    async with app.started(), ClientSession(app.http.url) as client:
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        async with client.post("/orders/7", headers=headers) as answer:
            assert 200 <= answer.status < 300
        await spans.wait(f"process {name}", 2)
        app["mended"] = True
        dead = DeadQueue(connection, f"{name}.dead")
        async with asyncio.timeout(limit):
            # The last attempt may be on its way there.
            while not (await dead.replay()).done:
                pass
        attempts = await spans.wait(f"process {name}", 3)

    [request] = await spans.wait("POST /orders/{number}")
    [sent] = await spans.wait(f"send {name}")
    assert {int(TRACE, 16)} == {one.context.trace_id for one in spans.all}
    assert int(CALLER, 16) == request.parent.span_id
    assert request.context.span_id == sent.parent.span_id
    assert [sent.context.span_id] * 3 == [one.parent.span_id for one in attempts]
    assert [1, 2, 1] == [one.attributes["asyncworker.attempt"] for one in attempts]
    assert [False, False, True] == [one.status.is_ok for one in attempts]
    assert 5 == len(spans.all)
