"""What a type checker must make of the installed packages: each wrong use is marked as such."""

from typing import assert_type

from asyncworker import App, Options, RouteType, RouteTypes
from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import Queue, RabbitMQMessage, Retry
from asyncworker.sse import SSEEvent
from asyncworker.testing import TestApp
from asyncworker.utils import Timeit

broker = AMQPConnection(url="memory://")
streams = SSEConnection("http://localhost")
app = App(connections=[broker, streams])
assert_type(broker.prefetch, int)
assert_type(streams.read_timeout, float | None)
assert_type(app.problems, list[str])
assert_type(RouteTypes("sse"), RouteType)
AMQPConnection(prefetch="many")  # type: ignore[arg-type]
app.rout  # type: ignore[attr-defined]  # noqa: B018


@app.route([Queue("q")], type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 2})
async def handle(messages: list[RabbitMQMessage]) -> None:
    async with Timeit(name="handling"):
        await broker.put(body={}, routing_key="q")
    for message in messages:
        message.retry(delay=1.5)
        message.accept(1)  # type: ignore[call-arg]


@app.route(["/events"], type=RouteTypes.SSE)
async def follow(events: list[SSEEvent]) -> None:
    assert_type(events[0].data, str)


async def end() -> None:
    assert_type(bool(app.stopping), bool)
    await app.stopping
    app.stopping.set()  # type: ignore[attr-defined]


@app.http.get("/{id}")
async def answer(id: int) -> str:
    return str(id)


@app.run_every(60)
async def clean() -> None: ...


async def test() -> None:
    assert_type(await answer(1), str)
    async with TestApp(app) as worker:
        await worker.publish({}, "q")
        assert_type(worker.errors, list[BaseException])
    try:
        Retry(attempts="5")  # type: ignore[arg-type]
    except ConfigurationError:
        app.shutdown()
