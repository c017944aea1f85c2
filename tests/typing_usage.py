"""What a type checker must make of the installed packages: each wrong use is marked as such."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, assert_type

from asyncworker import (
    Actions,
    App,
    Blueprint,
    Call,
    Cookie,
    Events,
    Form,
    Header,
    Once,
    Options,
    RouteType,
    RouteTypes,
    UploadedFile,
    codecs,
)
from asyncworker.connections import AMQPConnection, SSEConnection
from asyncworker.errors import ConfigurationError
from asyncworker.rabbitmq import (
    Answer,
    AskFailed,
    AskTimeout,
    Message,
    PublishError,
    Queue,
    RabbitMQMessage,
    Retry,
    Split,
    Target,
    Unroutable,
)
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


async def publish() -> None:
    await broker.put(1, "q", message_id="m", priority=3, timestamp=datetime.now(UTC), expiration=60)
    await broker.put(1, "q", delay=1.5)
    await broker.put(1, "q", at=datetime.now(UTC) + timedelta(days=1))
    await broker.put(1, "q", expiration="60000")  # type: ignore[arg-type]
    await broker.put(1, "q", message_id=7)  # type: ignore[arg-type]
    first = Message({"id": 1}, "q", type="order")
    assert_type(first.priority, int | None)
    first.body = 2  # type: ignore[misc]
    Message(1, "q", priority="high")  # type: ignore[arg-type]
    try:
        await broker.put_many((first, Message(2, exchange="shop")), timeout=5, vhost="/")
        await broker.put_many([{"id": 1}])  # type: ignore[list-item]
    except* Unroutable as group:
        for error in group.exceptions:
            if isinstance(error, PublishError):
                assert_type(error.message, Message | None)


@app.route(["prices"], type=RouteTypes.AMQP_RABBITMQ, replies=True)
async def price(order: dict[str, int]) -> dict[str, int]:
    return {"price": order["amount"]}


async def ask() -> None:
    try:
        answer = await broker.ask({"amount": 2}, "prices", timeout=5, message_id="1")
    except AskTimeout as late:
        assert_type(late.type, str | None)
    except AskFailed as failed:
        assert_type(failed.message, str | None)
    else:
        assert_type(answer, Answer)
        assert_type(answer.headers["a"], Any)
        answer.body = 1  # type: ignore[misc]
    await broker.ask(1)  # type: ignore[call-arg]
    await broker.ask(1, "prices", correlation_id="1")  # type: ignore[call-arg]


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


@app.run_at("0 2 * * *", once=Once(connection="jobs"))
async def nightly() -> None: ...


app.run_every(60, once=5)  # type: ignore[arg-type]


async def test() -> None:
    assert_type(await answer(1), str)
    async with TestApp(app) as worker:
        await worker.publish({}, "q")
        assert_type(worker.errors, list[BaseException])
    try:
        Retry(attempts="5")  # type: ignore[arg-type]
    except ConfigurationError:
        app.shutdown()


@app.route(
    [Queue("q", dead_letter=True)],
    options={Events.ON_EXCEPTION: Split(then=Retry(now=2))},
    dead_letter_traceback=True,
)
async def split(messages: list[RabbitMQMessage]) -> None:
    Split(then="reject")  # type: ignore[arg-type]
    Retry(then=Split())  # type: ignore[arg-type]
    Retry(now="2")  # type: ignore[arg-type]
    assert_type(Split().then, Actions | Retry)


@app.middleware
async def timed(call: Call, call_next: Callable[[], Awaitable[object]]) -> object:
    assert_type(call.app, App)
    assert_type(call.type, RouteType | None)
    return await call_next()


@app.middleware  # type: ignore[type-var]
def not_async(call: Call, call_next: Callable[[], Awaitable[object]]) -> None: ...


@app.on_error
async def report(error: BaseException, call: Call) -> None: ...


@app.on_error
def report_from_a_thread(error: BaseException, call: Call) -> None: ...


@app.run_on_startup
def connect(app: App) -> None: ...


@app.route(["q"], type=RouteTypes.AMQP_RABBITMQ, middlewares=[timed])
def handle_in_a_thread(messages: list[RabbitMQMessage]) -> None: ...


@app.http.get("/made", middlewares=[timed])
def made() -> str:
    return "made"


assert_type(made(), str)


@dataclass
class Order:
    id: int


class Database:
    def store(self, orders: list[Order]) -> None: ...


@app.resource
async def database(app: App) -> AsyncIterator[Database]:
    yield Database()


assert_type(app[Database], Database)
app[Database].store([Order(1)])
app[Database].stor([Order(1)])  # type: ignore[attr-defined]
app["count"] += 1


@app.route(["one"], type=RouteTypes.AMQP_RABBITMQ, options={Options.CODEC: codecs.MSGPACK})
async def one(message: RabbitMQMessage[Order], database: Database) -> None:
    assert_type(message.body, Order)
    message.body.ide  # type: ignore[attr-defined]  # noqa: B018
    database.store([message.body])


@app.route([Queue("many")])
async def many(messages: list[RabbitMQMessage[Order]], app: App) -> None:
    assert_type([message.body for message in messages], list[Order])


@app.route(["forwarded"], type=RouteTypes.AMQP_RABBITMQ, publish_to=Target("paid", "events"))
async def forward(message: RabbitMQMessage[Order]) -> Message | Order | None:
    message.put({"id": 1}, "audit", headers={"a": 1}, delay=1.5)
    message.put({"id": 1}, routing="audit")  # type: ignore[call-arg]
    Target(routing_key=5)  # type: ignore[arg-type]
    return message.body


@app.route(["bodies"], type=RouteTypes.AMQP_RABBITMQ, options={Options.BULK_SIZE: 2})
async def bodies(orders: list[Order]) -> None: ...


@app.route(["/orders"], type=RouteTypes.SSE)
async def event(event: SSEEvent[Order]) -> None:
    assert_type(event.body, Order)
    event.body.ide  # type: ignore[attr-defined]  # noqa: B018


@app.run_on_startup
async def prepare(database: Database) -> None: ...


parts = Blueprint("/parts", options={Options.TIMEOUT: 5}, middlewares=[timed])


@parts.route(["parts"])
async def part(order: Order, tenant: Annotated[str, Header("x-tenant")]) -> None:
    assert_type(tenant, str)


@parts.http.post("/pictures")
async def picture(
    file: UploadedFile, title: Annotated[str, Form()], session: Annotated[int, Cookie()] = 0
) -> int | str:
    assert_type(await file.read(), bytes)
    return title


@parts.http.get("/rows")
async def rows(last_event_id: Annotated[str | None, Header()] = None) -> AsyncIterator[str]:
    yield "row"


async def test_parts(upload: UploadedFile) -> None:
    assert_type(await part(Order(1), "acme"), None)
    assert_type(await picture(upload, "title"), int | str)
    async for row in rows():
        assert_type(row, str)
    async with TestApp(app, resources={Database: Database()}) as worker:
        await worker.idle()


app.include(parts, prefix="/v1")
app.include(app)  # type: ignore[arg-type]
